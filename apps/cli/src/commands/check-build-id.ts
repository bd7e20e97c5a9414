import { BUILD_ID_PATTERN } from '@osforge/checkpoint';
import { UsageError } from '../errors/usage-error.ts';

/** @throws UsageError for an id that is no safe folder name: it is refused before any folder is made. */
export function checkBuildId(buildId: string | undefined): void {
  if (buildId === undefined || BUILD_ID_PATTERN.test(buildId)) return;
  throw new UsageError(
    `build id ${JSON.stringify(buildId)} cannot be used: up to 100 letters, digits, ".", "_" and "-", starting with a letter or digit`,
  );
}
