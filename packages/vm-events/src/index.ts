export { armDeadline, type WaitFailures, type WaitOptions } from './deadline.ts';
export { VmEventsError, VmGoneError, VmWaitAbortedError, VmWaitTimeoutError } from './errors.ts';
export type { VmEndEvidence, VmIoError } from './evidence.ts';
export { isTransientVmEventsError } from './is-transient-error.ts';
export type { QmpClient, QmpEnd } from './qmp/client.ts';
export { connectQmp, type ConnectQmpOptions } from './qmp/connect.ts';
export {
  QmpAbortedError,
  QmpCommandError,
  QmpConnectionError,
  QmpLineTooLongError,
  QmpProtocolError,
  QmpTimeoutError,
} from './qmp/errors.ts';
export type { QmpEvent, QmpGreeting, QmpObject } from './qmp/message.ts';
export { observeVmEnd, type ObserveVmEndOptions, type ProcessEnd } from './qmp/observe-vm-end.ts';
export { readToTheEnd } from './qmp/read-to-the-end.ts';
export { qmpEventSource, type QmpEventSourceOptions } from './qmp/source.ts';
export type { VmEvent, VmEventSource, VmState } from './source.ts';
export { decideVerdict, type VmVerdict, type VmVerdictKind } from './verdict.ts';
export { waitForState } from './wait-for-state.ts';
