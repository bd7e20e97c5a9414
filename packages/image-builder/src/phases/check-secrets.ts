import type { BuildEnvironment } from '../build/environment.ts';
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
  const values = recipe.apps.flatMap(({ scripts }) => scripts.flatMap(({ env }) => Object.values(env)));
  for (const value of values) if (isSecretReference(value)) await resolveSecret(value, options);
}
