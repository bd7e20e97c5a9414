/** The oldest Node.js that this program runs on, as its package.json says. */
const oldest = [22, 18] as const;

/** What to say to a Node.js that is too old; undefined where it is not. `version` is as in `process.versions.node`. */
export function nodeTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return (
    `error: osforge needs Node.js ${oldest.join('.')} or newer, and this is ${version}. ` +
    'In the workspace "npx nx run cli:build-image" and npm scripts use a newer one by themselves.'
  );
}
