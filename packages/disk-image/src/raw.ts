/** Raw disks, and what must not be taken for one, alone: for small processes, without all that the package loads else. */
export { openRaw, type BlockReader, type Extent } from './block/reader.ts';
export { detectFileFormat, detectFormat, type DetectedFormat } from './inspect/detect-format.ts';
export {
  foreignFile,
  foreignHeadBytes,
  type ForeignFile,
  type ForeignFormat,
} from './inspect/foreign-file.ts';
