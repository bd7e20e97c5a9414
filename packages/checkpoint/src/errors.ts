import { isTransientFlushError } from '@osforge/flush';

/** The build id is no safe file name. */
export class CheckpointBuildIdError extends Error {
  readonly code = 'CHECKPOINT_BUILD_ID';
  readonly buildId: string;
  constructor(buildId: string) {
    super(
      `build id ${JSON.stringify(buildId)} cannot be used: up to 100 letters, digits, ".", "_" and "-", ` +
        `starting with a letter or digit`,
    );
    this.name = 'CheckpointBuildIdError';
    this.buildId = buildId;
  }
}

/** Another process, or another handle in this one, holds the build. */
export class CheckpointLockedError extends Error {
  readonly code = 'CHECKPOINT_LOCKED';
  readonly buildId: string;
  /** Undefined where the owner has not said who it is. */
  readonly ownerPid: number | undefined;
  readonly ownerHost: string | undefined;
  /** ISO 8601 UTC. */
  readonly since: string | undefined;
  constructor(buildId: string, owner?: { pid: number; host: string; since: string }) {
    const who =
      owner === undefined
        ? 'another process'
        : `process ${owner.pid} on ${owner.host} (since ${owner.since})`;
    super(`build ${buildId} is in use by ${who}: wait for it, end it, or choose another build id`);
    this.name = 'CheckpointLockedError';
    this.buildId = buildId;
    this.ownerPid = owner?.pid;
    this.ownerHost = owner?.host;
    this.since = owner?.since;
  }
}

/** The lock file cannot be locked: read-only folder, file system without locks, or a foreign file. */
export class CheckpointLockFailedError extends Error {
  readonly code = 'CHECKPOINT_LOCK_FAILED';
  readonly path: string;
  constructor(path: string, options: { cause: unknown }) {
    super(
      `cannot lock ${path}: ${messageOf(options.cause)}; the folder must be writable and on a file system with POSIX locks`,
      options,
    );
    this.name = 'CheckpointLockFailedError';
    this.path = path;
  }
}

/** The lock file was removed or replaced while we held it, so another process may own the build now. */
export class CheckpointLockLostError extends Error {
  readonly code = 'CHECKPOINT_LOCK_LOST';
  readonly path: string;
  constructor(path: string) {
    super(
      `the lock ${path} was removed or replaced while this build ran; nothing more is written: start the build again`,
    );
    this.name = 'CheckpointLockLostError';
    this.path = path;
  }
}

/** The record was written by a newer release. It is left as it is. */
export class CheckpointNewerVersionError extends Error {
  readonly code = 'CHECKPOINT_NEWER_VERSION';
  readonly path: string;
  readonly version: string;
  readonly supportedVersion: number;
  constructor(path: string, version: string, supportedVersion: number) {
    super(
      `${path} has version ${version}, this release knows up to ${supportedVersion}: ` +
        `use the newer release, or another build id`,
    );
    this.name = 'CheckpointNewerVersionError';
    this.path = path;
    this.version = version;
    this.supportedVersion = supportedVersion;
  }
}

/** A record that does not hold: what was read, or what `update` was asked to write. */
export class CheckpointInvalidError extends Error {
  readonly code = 'CHECKPOINT_INVALID';
  readonly path: string;
  readonly reason: InvalidReason;
  /** Field path and what was expected. */
  readonly issues: readonly string[];
  constructor(path: string, reason: InvalidReason, issues: readonly string[], options?: { cause?: unknown }) {
    super(`the record ${path} is not valid (${reason}): ${issues.slice(0, 5).join('; ')}`, options);
    this.name = 'CheckpointInvalidError';
    this.path = path;
    this.reason = reason;
    this.issues = issues;
  }
}

/** `torn`: no whole JSON; `schema`: wrong fields or types; `build-id`: the record of another build. */
export type InvalidReason = 'torn' | 'schema' | 'build-id';

/** The resolved value of a secret would have been written. It was not. */
export class CheckpointSecretError extends Error {
  readonly code = 'CHECKPOINT_SECRET';
  readonly path: string;
  /** Such as `phases.apps.data.url`; a key that holds the secret itself is shown as `***`. */
  readonly field: string;
  readonly encoding: string;
  constructor(path: string, field: string, encoding: string) {
    super(
      `the value of a secret is in field ${field} (${encoding}) of ${path}, which was not written: keep a reference (env:, file:) instead`,
    );
    this.name = 'CheckpointSecretError';
    this.path = path;
    this.field = field;
    this.encoding = encoding;
  }
}

/** No space, inode or quota is left. The record on the disk is the old one; free space and go on. */
export class CheckpointNoSpaceError extends Error {
  readonly code = 'CHECKPOINT_NO_SPACE';
  readonly path: string;
  constructor(path: string, options: { cause: unknown }) {
    super(
      `no space is left to write ${path}; the earlier record is intact: free some space and run again`,
      options,
    );
    this.name = 'CheckpointNoSpaceError';
    this.path = path;
  }
}

/** Reading or writing a file failed; `cause` says how. */
export class CheckpointIoError extends Error {
  readonly code = 'CHECKPOINT_IO';
  readonly path: string;
  readonly operation: 'read' | 'write' | 'quarantine';
  constructor(path: string, operation: 'read' | 'write' | 'quarantine', options: { cause: unknown }) {
    super(`cannot ${operation} ${path}: ${messageOf(options.cause)}`, options);
    this.name = 'CheckpointIoError';
    this.path = path;
    this.operation = operation;
  }
}

/** The handle was closed. */
export class CheckpointClosedError extends Error {
  readonly code = 'CHECKPOINT_CLOSED';
  readonly buildId: string;
  constructor(buildId: string) {
    super(`the checkpoint of build ${buildId} is closed`);
    this.name = 'CheckpointClosedError';
    this.buildId = buildId;
  }
}

/** The file cannot be recorded: absent, no regular file, or it changed meanwhile. */
export class CheckpointArtifactError extends Error {
  readonly code = 'CHECKPOINT_ARTIFACT';
  readonly path: string;
  readonly reason: 'missing' | 'not-a-file' | 'changed' | 'size' | 'path';
  constructor(
    path: string,
    reason: CheckpointArtifactError['reason'],
    detail: string,
    options?: { cause?: unknown },
  ) {
    super(`artifact ${path} cannot be recorded: ${detail}`, options);
    this.name = 'CheckpointArtifactError';
    this.path = path;
    this.reason = reason;
  }
}

/** A part of an inputs key is not JSON, so it would not be the same on the next run. */
export class CheckpointInputsError extends Error {
  readonly code = 'CHECKPOINT_INPUTS';
  readonly field: string;
  constructor(field: string, found: string) {
    super(`the inputs of a phase must be JSON, but ${field} is ${found}`);
    this.name = 'CheckpointInputsError';
    this.field = field;
  }
}

/** Every error that this package throws of its own. */
export type CheckpointError =
  | CheckpointBuildIdError
  | CheckpointLockedError
  | CheckpointLockFailedError
  | CheckpointLockLostError
  | CheckpointNewerVersionError
  | CheckpointInvalidError
  | CheckpointSecretError
  | CheckpointNoSpaceError
  | CheckpointIoError
  | CheckpointClosedError
  | CheckpointArtifactError
  | CheckpointInputsError;

/**
 * Whether trying again later, without a change by the user, may help. A held lock is not: its owner may run for
 * hours. No space is not: somebody must free it.
 */
export function isTransientCheckpointError(error: unknown): boolean {
  return error instanceof CheckpointIoError && isTransientFlushError(error.cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
