import type { BuildEnvironment } from '../build/environment.ts';
import { resolveSigningKey } from '../capture/sign-sums.ts';
import {
  isSecretReference,
  resolveAuthorizedKeys,
  resolvePasswordHash,
  resolveSecret,
} from '../recipe/secret-reference.ts';

/**
 * Resolves every secret of the recipe once, so that one that is missing or malformed is told before anything is
 * downloaded. The values are not kept: each is resolved again where it is used.
 * @throws SecretMissingError, SecretUnreadableError, SecretTooOpenError, SecretFormatError
 */
export async function checkSecrets(
  environment: Pick<BuildEnvironment, 'recipe' | 'recipeDirectory' | 'variables'>,
): Promise<void> {
  const { recipe, recipeDirectory, variables } = environment;
  const options = { env: variables, directory: recipeDirectory };
  for (const { password, authorizedKeys } of recipe.users) {
    if (password !== undefined) await resolvePasswordHash(password, options);
    await resolveAuthorizedKeys(authorizedKeys, options);
  }
  if (recipe.capture.sign !== undefined) await resolveSigningKey(recipe.capture.sign.key, options);
  const values = recipe.apps.flatMap(({ scripts }) => scripts.flatMap(({ env }) => Object.values(env)));
  for (const value of values) if (isSecretReference(value)) await resolveSecret(value, options);
}
