export type { Containment, ContainmentMechanism } from './containment/contain.ts';
export { debianPackageOf } from './debian-packages.ts';
export {
  isTransientProcessError,
  OutputTooLongError,
  ProcessLogFileError,
  ProgramCancelledError,
  ProgramFailedError,
  ProgramMissingError,
  ProgramSpawnError,
  ProgramTimeoutError,
  type ProgramEnd,
} from './errors.ts';
export { findProgram, type FindProgramOptions } from './find-program.ts';
export type { OutputLine, OutputStream, RunOptions } from './options.ts';
export { maskSecrets, type SecretMask } from './output/mask-secrets.ts';
export { isAlive, processIdentity, processLiveness, type ProcessIdentity } from './process-identity.ts';
export { run, type RunResult } from './run.ts';
export type { EndReason, ProcessClose, ProcessExit, RunningProcess } from './running-process.ts';
export { start } from './start.ts';
