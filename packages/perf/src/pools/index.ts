/** Pools and queues alone, without what the rest of the package loads (RxJS). */
export {
  BufferPool,
  pageBytes,
  type AcquireOptions,
  type BufferPoolOptions,
  type BufferPoolStatistics,
} from './buffer-pool.ts';
export {
  DoubleReleaseError,
  ForeignReleaseError,
  isTransientPoolError,
  PoolOptionError,
  PoolTimeoutError,
  RingBufferClosedError,
  RingBufferFullError,
  RingBufferTimeoutError,
} from './errors.ts';
export { ObjectPool, type ObjectPoolOptions, type ObjectPoolStatistics } from './object-pool.ts';
export {
  RingBuffer,
  type OverflowPolicy,
  type QueueItem,
  type RingBufferOptions,
  type WaitForItemsOptions,
} from './ring-buffer.ts';
