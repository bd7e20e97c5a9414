/** `env:NAME` or `file:PATH`: where a secret is, never the secret. */
export type SecretReference = `env:${string}` | `file:${string}`;

/** Whether a text of a recipe is a reference; pure, looks at the prefix only. */
export function isSecretReference(text: string): text is SecretReference {
  return text.startsWith('env:') || text.startsWith('file:');
}
