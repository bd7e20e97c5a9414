/** What apt said, credentials removed; the lines that matter first. */
type AptLines = readonly string[];

const quoted = (lines: AptLines): string =>
  lines.length === 0
    ? ''
    : `\n${lines
        .slice(0, 8)
        .map((line) => `  ${line}`)
        .join('\n')}`;

/** No name, no connection, no answer, or a server that fails: the archive cannot be reached now. */
export class MirrorUnreachableError extends Error {
  override readonly name = 'MirrorUnreachableError';
  readonly code = 'PACKAGES_MIRROR_UNREACHABLE';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(
      `A package archive cannot be reached. Check the network and apt's proxy settings.${quoted(lines)}`,
      options,
    );
    this.lines = lines;
  }
}

/** The archive answers and does not have the file: a wrong address or suite, or an index that is out of date. */
export class MirrorFileMissingError extends Error {
  override readonly name = 'MirrorFileMissingError';
  readonly code = 'PACKAGES_MIRROR_FILE_MISSING';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(
      `A package archive does not have a file that was expected there. Check the address and suite, or refresh the indexes.${quoted(lines)}`,
      options,
    );
    this.lines = lines;
  }
}

/** An index is not signed, or not by a key of the keyring. Nothing of it is used. */
export class ArchiveSignatureError extends Error {
  override readonly name = 'ArchiveSignatureError';
  readonly code = 'PACKAGES_SIGNATURE_INVALID';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(
      `The signature of a package archive cannot be verified. Check the address, and that debian-archive-keyring is up to date.${quoted(lines)}`,
      options,
    );
    this.lines = lines;
  }
}

/** An index is past its Valid-Until, or dated in the future: a stale mirror, a replay, or a wrong clock. */
export class ReleaseExpiredError extends Error {
  override readonly name = 'ReleaseExpiredError';
  readonly code = 'PACKAGES_RELEASE_EXPIRED';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(
      `A package archive's index is not valid at this time. Check the clock and the mirror.${quoted(lines)}`,
      options,
    );
    this.lines = lines;
  }
}

/** What came is not what the signed index announced; mirrors do this in the middle of their own update. */
export class ArchiveHashError extends Error {
  override readonly name = 'ArchiveHashError';
  readonly code = 'PACKAGES_HASH_MISMATCH';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(`A downloaded file does not have the digest of the signed index.${quoted(lines)}`, options);
    this.lines = lines;
  }
}

/** No room for indexes or packages. `neededBytes` is undefined where apt ran into it half-way. */
export class PackageSpaceError extends Error {
  override readonly name = 'PackageSpaceError';
  readonly code = 'PACKAGES_NO_SPACE';
  readonly directory: string;
  readonly neededBytes: number | undefined;
  readonly availableBytes: number | undefined;
  readonly lines: AptLines;
  constructor(
    directory: string,
    {
      neededBytes,
      availableBytes,
      lines = [],
    }: { neededBytes?: number; availableBytes?: number; lines?: AptLines },
    options?: ErrorOptions,
  ) {
    const figures =
      neededBytes === undefined ? '' : ` ${neededBytes} bytes are needed, ${availableBytes ?? 0} are free.`;
    super(
      `There is not enough space in ${directory}.${figures} Free some and run again.${quoted(lines)}`,
      options,
    );
    this.directory = directory;
    this.neededBytes = neededBytes;
    this.availableBytes = availableBytes;
    this.lines = lines;
  }
}

/** A package, or a version of it, that no index has. */
export interface UnknownPackage {
  /** As asked for, `name` or `name=version`. */
  name: string;
  /** Packages that may be meant: near names, providers of a virtual package, or other versions; at most 5. */
  nearest: readonly string[];
}

/** Packages that cannot be installed because no index has them. All of them at once. */
export class PackageUnknownError extends Error {
  override readonly name = 'PackageUnknownError';
  readonly code = 'PACKAGES_UNKNOWN';
  readonly packages: readonly UnknownPackage[];
  readonly lines: AptLines;
  constructor(packages: readonly UnknownPackage[], lines: AptLines, options?: ErrorOptions) {
    const list = packages.map(({ name, nearest }) =>
      nearest.length === 0 ? name : `${name} (did you mean ${nearest.join(', ')}?)`,
    );
    super(
      `No package index has: ${list.join('; ')}. Check the name and the distribution's components.`,
      options,
    );
    this.packages = packages;
    this.lines = lines;
  }
}

/** Packages that exist and cannot be installed together, or only by removing others. */
export class PackageConflictError extends Error {
  override readonly name = 'PackageConflictError';
  readonly code = 'PACKAGES_CONFLICT';
  readonly lines: AptLines;
  constructor(lines: AptLines, options?: ErrorOptions) {
    super(`The packages cannot be installed together.${quoted(lines)}`, options);
    this.lines = lines;
  }
}

/** Another process uses the same workspace and did not finish in time. */
export class WorkspaceLockedError extends Error {
  override readonly name = 'WorkspaceLockedError';
  readonly code = 'PACKAGES_WORKSPACE_LOCKED';
  readonly directory: string;
  constructor(directory: string, waitedMs: number) {
    super(
      `Another process has used ${directory} for more than ${waitedMs} ms. Wait for it, or use another folder.`,
    );
    this.directory = directory;
  }
}

/** The lock of a folder cannot be taken at all: its file cannot be written, or the file system has no locks. */
export class WorkspaceLockError extends Error {
  override readonly name = 'WorkspaceLockError';
  readonly code = 'PACKAGES_WORKSPACE_LOCK';
  readonly directory: string;
  constructor(directory: string, options: { readonly cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      `${directory} cannot be locked: ${reason}. Give a folder that you may write to, on a file system with locks.`,
      options,
    );
    this.directory = directory;
  }
}

/** The machine has no apt source of the release, and the recipe names no mirror. */
export class SourcesMissingError extends Error {
  override readonly name = 'SourcesMissingError';
  readonly code = 'PACKAGES_NO_SOURCES';
  readonly suite: string;
  constructor(suite: string, directory: string) {
    super(
      `No Debian source for ${suite} is in ${directory}. Add one there, or give distribution.mirror ` +
        `(for the security suite distribution.securityMirror) in the recipe.`,
    );
    this.suite = suite;
  }
}

/** The keyring that signatures are checked with is not there. */
export class KeyringMissingError extends Error {
  override readonly name = 'KeyringMissingError';
  readonly code = 'PACKAGES_NO_KEYRING';
  readonly path: string;
  constructor(path: string, options?: ErrorOptions) {
    super(`The keyring ${path} is not there. Run: apt-get install debian-archive-keyring`, options);
    this.path = path;
  }
}

/** apt failed in a way that has no class of its own. */
export class AptFailedError extends Error {
  override readonly name = 'AptFailedError';
  readonly code = 'PACKAGES_APT_FAILED';
  readonly lines: AptLines;
  constructor(what: string, lines: AptLines, options?: ErrorOptions) {
    super(`apt could not ${what}.${quoted(lines)}`, options);
    this.lines = lines;
  }
}

/**
 * Whether trying again may help without anybody doing anything: the archive could not be reached, was
 * in the middle of its own update, or the workspace was in use. Everything else stays as it is.
 */
export function isTransientPackageError(error: unknown): boolean {
  return (
    error instanceof MirrorUnreachableError ||
    error instanceof ArchiveHashError ||
    error instanceof WorkspaceLockedError
  );
}
