export type { TargetProgress, TargetState } from './engine/progress.ts';
export type { TargetWork } from './engine/target-run.ts';
export {
  FlashCancelledError,
  FlashEngineError,
  FlasherError,
  FlashOptionError,
  FlashSourceError,
  FlashTimeoutError,
  isTransientFlasherError,
  ReceiptError,
  TargetBusyError,
  TargetCapacityError,
  TargetChangedError,
  TargetFullError,
  TargetIoError,
  TargetRefusedError,
  TargetVanishedError,
  TargetVerifyError,
  type TargetProblem,
  type TargetProblemKind,
} from './errors.ts';
export { flashImage, type FlashImageOptions } from './flash-image.ts';
export { startFlash, type Flash, type FlashOptions, type FlashResult } from './host/start-flash.ts';
export { probeCapacity, type ProbeOptions, type ProbeReport } from './probe/probe-capacity.ts';
export type { FlashReceipt } from './receipt/receipt.ts';
export { formatReceipt, signReceipt, verifyReceipt, writeReceipt } from './receipt/sign-receipt.ts';
export type { SourceRequest } from './source/open-source.ts';
export type { SourceFormat } from './source/source.ts';
export { assertTarget, targetProblems } from './targets/check-target.ts';
export { confirmationOf, type TargetConfirmation } from './targets/confirmation.ts';
export type { TargetIdentity } from './targets/identity.ts';
export { inspectTarget, type InspectOptions, type TargetInfo } from './targets/inspect-target.ts';
export { listTargets } from './targets/list-targets.ts';
export type { SystemPaths } from './targets/system-paths.ts';
