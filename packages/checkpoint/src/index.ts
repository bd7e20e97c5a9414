export { openCheckpoint } from './open-checkpoint.ts';
export type { OpenCheckpointOptions } from './open-checkpoint.ts';
export type { Checkpoint, CheckpointOrigin } from './checkpoint.ts';
export type { Ledger } from './ledger.ts';
export type { InvalidReason } from './errors.ts';
export type { Quarantined } from './quarantine.ts';
export { listCheckpoints, readCheckpoint } from './read-checkpoint.ts';
export type { CheckpointListing } from './read-checkpoint.ts';
export { lockOwner } from './lock-owner.ts';
export type { LockOwner } from './lock-owner.ts';
export { BUILD_ID_PATTERN } from './build-id.ts';
export { RECORD_VERSION } from './record.ts';
export type {
  ArtifactRecord,
  ArtifactRetention,
  BuildRecord,
  FileIdentity,
  LedgerEntry,
  PhaseRecord,
} from './record.ts';
export { checkpointJsonSchema } from './record-schema.ts';
export { recordArtifact } from './record-artifact.ts';
export type { RecordArtifactOptions } from './record-artifact.ts';
export { artifactPath, verifyArtifact } from './verify-artifact.ts';
export type { ArtifactVerdict, VerifyArtifactOptions } from './verify-artifact.ts';
export { canonicalJson, inputsKey } from './inputs-key.ts';
export { cleanLedger, runLedger } from './clean-ledger.ts';
export type { CleanLedgerOptions, CleanReport, LedgerHandler, LedgerHandlers } from './clean-ledger.ts';
export type { JsonObject, JsonValue } from './json-value.ts';
export {
  CheckpointArtifactError,
  CheckpointBuildIdError,
  CheckpointClosedError,
  CheckpointInputsError,
  CheckpointInvalidError,
  CheckpointIoError,
  CheckpointLockedError,
  CheckpointLockFailedError,
  CheckpointLockLostError,
  CheckpointNewerVersionError,
  CheckpointNoSpaceError,
  CheckpointSecretError,
  isTransientCheckpointError,
} from './errors.ts';
export type { CheckpointError } from './errors.ts';
