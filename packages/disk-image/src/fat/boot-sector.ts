import type { BlockReader } from '../block/reader.ts';
import { FatFormatError } from '../errors.ts';

/** Where the parts of a FAT file system lie. Offsets are bytes of the file system, not of the disk. */
export interface FatBootSector {
  /** Told by the count of clusters, as the specification says. */
  readonly type: 12 | 16 | 32;
  readonly boot: Buffer;
  readonly bytesPerSector: number;
  readonly clusterSizeBytes: number;
  readonly clusters: number;
  readonly sizeBytes: number;
  /** The first of the tables. */
  readonly tableOffset: number;
  /** Of one table. */
  readonly tableBytes: number;
  readonly tables: number;
  /** FAT12 and FAT16: the root folder has a place of its own. */
  readonly rootOffset: number;
  readonly rootBytes: number;
  /** Of cluster 2, which is the first. */
  readonly dataOffset: number;
}

/**
 * Source: Microsoft FAT specification 1.03, section 3.
 * @throws FatFormatError if there is no sound FAT boot sector
 * @throws ImageBoundsError if the image is cut short
 */
export async function readBootSector(reader: BlockReader, offset: number): Promise<FatBootSector> {
  const boot = Buffer.from(await reader.read(offset, 512));
  const bytesPerSector = boot.readUInt16LE(11);
  const sectorsPerCluster = boot.readUInt8(13);
  const reserved = boot.readUInt16LE(14);
  const tables = boot.readUInt8(16);
  const rootEntries = boot.readUInt16LE(17);
  const sectors = boot.readUInt16LE(19) || boot.readUInt32LE(32);
  const tableSectors = boot.readUInt16LE(22) || boot.readUInt32LE(36);
  if (boot.readUInt16LE(510) !== 0xaa55) throw new FatFormatError('the boot sector has no signature 55 AA');
  if (![512, 1024, 2048, 4096].includes(bytesPerSector))
    throw new FatFormatError(`${bytesPerSector} bytes per sector are impossible`);
  if (sectorsPerCluster === 0 || (sectorsPerCluster & (sectorsPerCluster - 1)) !== 0)
    throw new FatFormatError(`${sectorsPerCluster} sectors per cluster are impossible`);
  if (reserved === 0 || tables === 0 || tables > 4 || tableSectors === 0)
    throw new FatFormatError('no reserved sectors or no file allocation table');
  const rootSectors = Math.ceil((rootEntries * 32) / bytesPerSector);
  const dataSector = reserved + tables * tableSectors + rootSectors;
  const dataSectors = sectors - dataSector;
  if (dataSectors <= 0) throw new FatFormatError('the tables are larger than the volume');
  const clusters = Math.floor(dataSectors / sectorsPerCluster);
  return {
    type: clusters < 4085 ? 12 : clusters < 65525 ? 16 : 32,
    boot,
    bytesPerSector,
    clusterSizeBytes: sectorsPerCluster * bytesPerSector,
    clusters,
    sizeBytes: sectors * bytesPerSector,
    tableOffset: reserved * bytesPerSector,
    tableBytes: tableSectors * bytesPerSector,
    tables,
    rootOffset: (reserved + tables * tableSectors) * bytesPerSector,
    rootBytes: rootEntries * 32,
    dataOffset: dataSector * bytesPerSector,
  };
}
