/** A value that JSON cannot say was to be published. Nothing was published. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError';
  readonly code = 'EVENT_BUS_NOT_JSON';
  /** Where it stands, such as `data.disks[2].size`. */
  readonly path: string;
  /** What stands there: `NaN`, `undefined`, `a cycle`, `a Date`, … Never the value itself. */
  readonly found: string;

  constructor(path: string, found: string) {
    super(`${path} is ${found}, which JSON cannot say. Publish plain data.`);
    this.path = path;
    this.found = found;
  }
}

/** The bus was closed before; the event was not published. */
export class BusClosedError extends Error {
  override readonly name = 'BusClosedError';
  readonly code = 'EVENT_BUS_CLOSED';
  readonly type: string;

  constructor(type: string) {
    super(`The event ${type} came after the bus was closed. Close the bus last.`);
    this.type = type;
  }
}

/** Writing to the journal failed. What was not written is kept and tried again, up to the queue's bound. */
export class JournalWriteError extends Error {
  override readonly name = 'JournalWriteError';
  readonly code = 'EVENT_BUS_JOURNAL_WRITE';
  readonly path: string;
  /** The system's error name such as `ENOSPC`; undefined if there was none. */
  readonly errno: string | undefined;
  /** How many events wait to be written. */
  readonly pending: number;

  constructor(path: string, pending: number, cause: unknown) {
    const errno = errnoOf(cause);
    const remedy = errno === 'ENOSPC' ? ' Free some space and flush again.' : '';
    super(
      `The journal ${path} could not be written (${errno ?? String(cause)}); ${pending} events wait.${remedy}`,
      { cause },
    );
    this.path = path;
    this.errno = errno;
    this.pending = pending;
  }
}

/** The journal has events of another version of the envelope. It was not touched. */
export class JournalVersionError extends Error {
  override readonly name = 'JournalVersionError';
  readonly code = 'EVENT_BUS_JOURNAL_VERSION';
  readonly path: string;
  readonly version: number;

  constructor(path: string, version: number) {
    super(
      `The journal ${path} has events of version ${version}, this program writes version 1. Use another file, or a newer program.`,
    );
    this.path = path;
    this.version = version;
  }
}

/** A line of a journal, other than a torn last one, is no event. */
export class JournalInvalidError extends Error {
  override readonly name = 'JournalInvalidError';
  readonly code = 'EVENT_BUS_JOURNAL_INVALID';
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** Where the line begins, in bytes. */
  readonly offset: number;
  readonly reason: string;

  constructor(path: string, line: number, offset: number, reason: string) {
    super(`${path}:${line} (byte ${offset}) is not an event: ${reason}. The lines before it are whole.`);
    this.path = path;
    this.line = line;
    this.offset = offset;
    this.reason = reason;
  }
}

/** The bus has already published events whose numbers the journal has used. */
export class JournalSequenceError extends Error {
  override readonly name = 'JournalSequenceError';
  readonly code = 'EVENT_BUS_JOURNAL_SEQUENCE';
  readonly path: string;
  readonly lastSeq: number;

  constructor(path: string, lastSeq: number) {
    super(
      `The journal ${path} ends at event ${lastSeq}, but the bus has published from a lower number on. ` +
        'Attach the journal before the first event, or create the bus with afterSeq.',
    );
    this.path = path;
    this.lastSeq = lastSeq;
  }
}

/** The system's error name (`ENOSPC`), if the value is a system error. */
function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True if the same call may succeed later: there was no space, or the system was short of descriptors. */
export function isTransientEventBusError(error: unknown): boolean {
  return (
    error instanceof JournalWriteError &&
    ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN'].includes(error.errno ?? '')
  );
}
