/** An option of a pool or a ring buffer makes no sense. Refused before anything is allocated. */
export class PoolOptionError extends Error {
  override readonly name = 'PoolOptionError';
  readonly code = 'PERF_POOL_OPTION';
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`${option} ${problem}`);
    this.option = option;
  }
}

/** Something was released that is in its pool already: two users would get it at once. */
export class DoubleReleaseError extends Error {
  override readonly name = 'DoubleReleaseError';
  readonly code = 'PERF_POOL_DOUBLE_RELEASE';

  constructor(what: string) {
    super(`${what} was released twice: release it once, when its last user is done, or let \`use\` do it`);
  }
}

/** Something was released that this pool did not hand out. */
export class ForeignReleaseError extends Error {
  override readonly name = 'ForeignReleaseError';
  readonly code = 'PERF_POOL_FOREIGN_RELEASE';

  constructor(what: string) {
    super(
      `${what} was not handed out by this pool: release what acquire returned, not a part or a copy of it`,
    );
  }
}

/** All buffers of a pool stayed in use until the deadline. */
export class PoolTimeoutError extends Error {
  override readonly name = 'PoolTimeoutError';
  readonly code = 'PERF_POOL_TIMEOUT';
  readonly timeoutMs: number;
  readonly inUse: number;

  constructor(timeoutMs: number, inUse: number) {
    super(
      `no buffer was released within ${timeoutMs} ms; all ${inUse} are in use: release them, or make more`,
    );
    this.timeoutMs = timeoutMs;
    this.inUse = inUse;
  }
}

/** A ring buffer with the policy `reject` is full. */
export class RingBufferFullError extends Error {
  override readonly name = 'RingBufferFullError';
  readonly code = 'PERF_RING_BUFFER_FULL';
  readonly capacity: number;

  constructor(capacity: number) {
    super(`the ring buffer holds its ${capacity} items: take some before the next, or declare what to drop`);
    this.capacity = capacity;
  }
}

/** Something was pushed into a ring buffer that has been closed. */
export class RingBufferClosedError extends Error {
  override readonly name = 'RingBufferClosedError';
  readonly code = 'PERF_RING_BUFFER_CLOSED';

  constructor() {
    super('the ring buffer is closed and takes nothing more: stop its sources before it');
  }
}

/** No item came before the deadline. */
export class RingBufferTimeoutError extends Error {
  override readonly name = 'RingBufferTimeoutError';
  readonly code = 'PERF_RING_BUFFER_TIMEOUT';
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no item came within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** Whether the same call may succeed later, when others have released or taken something. */
export function isTransientPoolError(error: unknown): boolean {
  return (
    error instanceof PoolTimeoutError ||
    error instanceof RingBufferFullError ||
    error instanceof RingBufferTimeoutError
  );
}

/** @throws PoolOptionError unless `value` is a whole number of at least one. */
export function checkCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new PoolOptionError(option, `is ${value}: give a whole number of at least 1`);
}
