export * from './raw.ts';
export { memoryReader } from './block/memory.ts';
export { createSparseFile, type CreateSparseFileOptions } from './block/sparse-file.ts';
export type { GptLayout, GptPartition, SectorSize } from './gpt/layout.ts';
export { partitionTypes } from './gpt/guid.ts';
export { planGpt, type GptPartitionRequest, type GptRequest } from './gpt/plan.ts';
export { encodeGpt, type DiskBytes } from './gpt/encode.ts';
export { writeGpt } from './gpt/write.ts';
export { readGpt, type GptReadResult } from './gpt/read.ts';
export { makeEsp, type EspFile, type MakeEspOptions } from './fat/esp.ts';
export { readFatState, type FatState } from './fat/state.ts';
export { readNtfsState, type NtfsState } from './ntfs/state.ts';
export { openFat, type FatReader, type FatReaderOptions } from './fat/reader.ts';
export {
  ext4Arguments,
  makeExt4FromTree,
  type Ext4Options,
  type MakeExt4Options,
  type ProgramCall,
} from './ext4/make.ts';
export { normalizeExt4Times, type NormalizeOptions, type NormalizeReport } from './ext4/normalize.ts';
export { readExt4State, type Ext4State } from './ext4/state.ts';
export {
  convertImage,
  partialPath,
  type ConvertOptions,
  type ConvertReport,
  type ImageFormat,
} from './qemu/convert.ts';
export {
  checkImage,
  extents,
  imageInfo,
  type ImageCheck,
  type ImageInfo,
  type QemuCallOptions,
} from './qemu/info.ts';
export {
  BmapFormatError,
  DecompressionError,
  DiskFullError,
  EspError,
  Ext4FormatError,
  Ext4LimitError,
  Ext4PathError,
  Ext4UnsupportedError,
  FatFormatError,
  FfuBusyError,
  FfuDigestError,
  FfuFormatError,
  FfuLimitError,
  FfuSourceError,
  FfuUnsupportedError,
  FfuWorkerError,
  GptFormatError,
  GptPlanError,
  ImageBackingError,
  ImageBoundsError,
  ImageConvertError,
  ImageDamagedError,
  ImageDisksError,
  ImageExistsError,
  ImageExpandError,
  ImageForeignError,
  ImageLimitError,
  isImageFormatError,
  LimitError,
  isTransientDiskImageError,
  NbdError,
  NtfsFormatError,
  QemuImgOutputError,
  SignatureError,
  type FfuPart,
} from './errors.ts';
export { openExt4, type Ext4Reader, type Ext4ReaderOptions } from './ext4/reader.ts';
export type { Ext4Limits } from './ext4/volume.ts';
export type { TreeEntry } from './tree/entry.ts';
export { treeDigest, type MaskRule, type TreeDigest, type TreeField } from './tree/digest.ts';
export { contentDigest, rawContentDigest, type DigestOptions } from './block/digest.ts';
export { openImage, type OpenImageOptions, type ReadableFormat } from './qemu/open-image.ts';
export { copySparse, type CopySparseOptions, type CopySparseReport } from './block/copy-sparse.ts';
export {
  captureFfu,
  captureWorkFiles,
  type CaptureFfuOptions,
  type CaptureFfuReport,
  type CaptureProgress,
} from './ffu/capture-ffu.ts';
export {
  defaultMaxTableBytes,
  openFfu,
  readFfu,
  type DataRun,
  type FfuImage,
  type OpenFfuOptions,
} from './ffu/open-ffu.ts';
export { extractFfu, type ExtractFfuOptions, type ExtractFfuReport } from './ffu/extract-ffu.ts';
export type { FfuDamage } from './ffu/check-stretch.ts';
export { verifyFfu, type FfuVerifyReport, type VerifyFfuOptions } from './ffu/verify-ffu.ts';
export type { FfuLayout, FfuStore } from './ffu/read-layout.ts';
export type { FfuKind } from './ffu/layout.ts';
export type { BlockMap } from './ffu/block-map.ts';
export type { ManifestSection } from './ffu/read-manifest.ts';
export type { StoreHeader, TableRange } from './ffu/read-store-header.ts';
export type { StoreMeasure } from './ffu/measure-store.ts';
export {
  createXpressCompressor,
  type XpressCompressor,
  type XpressCompressorOptions,
} from './compression/xpress-compress.ts';
export { decompressXpress } from './compression/xpress-decompress.ts';
export { decompressXpressHuffman } from './compression/xpress-huffman-decompress.ts';
export { decompressLznt1 } from './compression/lznt1-decompress.ts';
export {
  openAnyImage,
  refuseBacking,
  type AnyImage,
  type ImageLimits,
  type OpenAnyOptions,
} from './inspect/open-any-image.ts';
export { requireSound } from './inspect/require-sound.ts';
export {
  expandPieces,
  expandToFile,
  type CompressedFormat,
  type ExpandOptions,
} from './inspect/expand-image.ts';
export {
  inspectImage,
  type ImageReport,
  type InspectedPartition,
  type InspectedStore,
  type InspectOptions,
} from './inspect/inspect-image.ts';
export type { PartitionFacts, TableFacts } from './inspect/partition-table.ts';
export type { FileSystemFacts } from './inspect/file-system.ts';
export {
  readPromises,
  type PromisedDigest,
  type PromisedDisk,
  type Promises,
} from './verify/checksum-lists.ts';
export type { VerifyCheck } from './verify/verify-check.ts';
export { verifyImage, type VerifyImageOptions, type VerifyImageReport } from './verify/verify-image.ts';
export { convertAny, type ConvertAnyOptions, type ConvertAnyReport } from './convert/convert-any.ts';
export { targetFormat, type TargetFormat } from './convert/target-format.ts';
export {
  openCompressedWriter,
  type CompressedWriter,
  type CompressedWriterOptions,
} from './convert/compress-raw.ts';
export {
  diffDisks,
  diffImages,
  type DiffImagesOptions,
  type FactDifference,
  type ImageDifference,
  type PartitionDifference,
} from './diff/diff-images.ts';
export { diffTrees, type ChangedField, type FileDifference } from './diff/diff-trees.ts';
export { diskPieces, type DiskPiece } from './block/disk-pieces.ts';
export { rangeBytes, type Bmap, type BmapRange } from './bmap/bmap.ts';
export { collectBmap, createBmap, type BmapCollector } from './bmap/collect-bmap.ts';
export { encodeBmap } from './bmap/encode-bmap.ts';
export { parseBmap } from './bmap/parse-bmap.ts';
export { usedStretches, type Stretch } from './bmap/used-stretches.ts';
export {
  minisign,
  publicKeyText,
  readSigningKey,
  readVerificationKey,
  verifyMinisign,
  type SigningKey,
  type VerificationKey,
} from './signature/minisign.ts';
