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
export { defaultJournalFolder } from './journal/default-folder.ts';
export { flashImage, type FlashImageOptions } from './flash-image.ts';
export { startFlash, type Flash, type FlashOptions, type FlashResult } from './host/start-flash.ts';
export { planFlash, type FlashPlan, type PlanFlashOptions } from './plan/plan-flash.ts';
export type { PlanImageOptions, PlannedImage } from './plan/plan-image.ts';
export { planTargets, type PlannedTarget, type PlanTargetsOptions } from './plan/plan-targets.ts';
export { probeCapacity, type ProbeOptions, type ProbeReport } from './probe/probe-capacity.ts';
export { minisignReceipt, verifyMinisignedReceipt } from './receipt/minisign-receipt.ts';
export { formatReceipt, type FlashReceipt } from './receipt/receipt.ts';
export { receiptNames } from './receipt/receipt-names.ts';
export { signReceipt, verifyReceipt } from './receipt/sign-receipt.ts';
export { type ReceiptKey, writeReceipt } from './receipt/write-receipt.ts';
export type { FlashEvent, FlashEvents, FlashTargetState } from './run/flash-events.ts';
export {
  runFlash,
  type FlashRun,
  type FlashRunResult,
  type ReceiptOptions,
  type RunFlashOptions,
  type TargetOutcome,
} from './run/run-flash.ts';
export type { SourceRequest } from './source/open-source.ts';
export type { SourceFormat } from './source/source.ts';
export { assertTarget, targetProblems } from './targets/check-target.ts';
export { confirmationOf, type TargetConfirmation } from './targets/confirmation.ts';
export type { TargetIdentity } from './targets/identity.ts';
export { inspectTarget, type InspectOptions, type TargetInfo } from './targets/inspect-target.ts';
export { listTargets } from './targets/list-targets.ts';
export { remedyOf } from './targets/remedy.ts';
export type { SystemPaths } from './targets/system-paths.ts';
