import { exitCode, type ExitCode } from '../exit-code.ts';
import { codeOf, errorChain } from './error-chain.ts';

const usageCodes: ReadonlySet<string> = new Set([
  'CLI_USAGE',
  'RECIPE_INVALID',
  'SOURCE_DATE_EPOCH',
  'CHECKPOINT_BUILD_ID',
  'BUILD_NOT_FOUND',
  'DISK_IMAGE_CONVERT',
  'FLASHER_OPTION',
  'USB_NOT_CONFIRMED',
]);

const preflightCodes: ReadonlySet<string> = new Set([
  'PREFLIGHT_FAILED',
  'ACCELERATOR_UNAVAILABLE',
  // The machine has no package sources of the release, or not the archive's keys.
  'PACKAGES_NO_SOURCES',
  'PACKAGES_NO_KEYRING',
]);

/** Whatever ends the phase of that name, a mirror that is not there for one, is a preflight that failed. */
function isOfPreflight(error: Error): boolean {
  return codeOf(error) === 'PIPELINE_PHASE_FAILED' && 'phase' in error && error.phase === 'preflight';
}

/** The exit code for what ended a command. A wrapper counts as what it wraps. */
export function exitCodeOf(error: unknown): ExitCode {
  for (const link of errorChain(error)) {
    const code = codeOf(link);
    if (code === undefined) continue;
    if (usageCodes.has(code)) return exitCode.usage;
    if (preflightCodes.has(code) || isOfPreflight(link)) return exitCode.preflight;
    if (code === 'PIPELINE_CANCELLED') return exitCode.cancelled;
  }
  return exitCode.failed;
}
