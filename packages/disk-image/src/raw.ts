/** Raw disks alone, for small processes: without the formats and programs that the rest of the package loads. */
export { openRaw, type BlockReader, type Extent } from './block/reader.ts';
