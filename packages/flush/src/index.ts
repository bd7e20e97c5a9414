export { writeFileDurable, type WriteFileDurableOptions } from './write-file-durable.ts';
export { removeStaleTemps, type RemoveStaleTempsOptions } from './stale-temps.ts';
export type { ProcessIdentity } from './process-identity.ts';
export { flushFile, type FlushFileOptions, type FlushOptions } from './flush-file.ts';
export { flushTree, type FlushTreeOptions } from './flush-tree.ts';
export { flushVolume, type FlushVolumeOptions } from './flush-volume.ts';
export { flushImage, type FlushImageOptions } from './flush-image.ts';
export { createWriteThrough, type WriteThrough, type WriteThroughOptions } from './write-through.ts';
export { hashFile, type FileDigest, type HashFileOptions } from './hash-file.ts';
export type { FlushMethod, FlushReport, FlushVerification } from './report.ts';
export type { Verify, VerifyOptions } from './verify-options.ts';
export type { Deadline, DeadlineOptions } from './deadline.ts';
export { nodeFileSystem, type FileSystem, type OpenFile } from './file-system.ts';
export { requireStrategy, type FlushStrategy } from './strategy.ts';
export {
  FlushAccessError,
  FlushBusyError,
  FlushCancelledError,
  FlushError,
  FlushIoError,
  FlushNoSpaceError,
  FlushNotFoundError,
  FlushReadOnlyError,
  FlushTargetError,
  FlushTimeoutError,
  FlushUnsupportedError,
  FlushVerifyError,
  isTransientFlushError,
  type FlushErrorFields,
  type FlushOperation,
} from './errors.ts';
