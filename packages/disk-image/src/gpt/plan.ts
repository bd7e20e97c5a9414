import { GptPlanError } from '../errors.ts';
import { isGuid } from './guid.ts';
import { entryCount, entrySectors, type GptLayout, type GptPartition, type SectorSize } from './layout.ts';

/** A partition as asked for. */
export interface GptPartitionRequest {
  /** At most 36 UTF-16 units. */
  readonly name: string;
  readonly typeGuid: string;
  readonly guid: string;
  /** Rounded up to whole sectors; 'rest' takes what the others leave (at most one may). */
  readonly sizeBytes: number | 'rest';
  /** The 64 attribute bits; default 0n. */
  readonly attributes?: bigint;
}

export interface GptRequest {
  readonly sectorSize: SectorSize;
  /** A multiple of the sector size. */
  readonly diskSizeBytes: number;
  readonly diskGuid: string;
  /** In the order in which they lie on the disk. */
  readonly partitions: readonly GptPartitionRequest[];
  /** Partitions start at multiples of it; default 1 MiB. */
  readonly alignmentBytes?: number;
}

/**
 * Where each partition goes (UEFI 2.10 §5.3). Pure: the same request gives the same layout.
 * @throws GptPlanError if it does not fit or is not well formed
 */
export function planGpt(request: GptRequest): GptLayout {
  const { sectorSize, diskSizeBytes, partitions, alignmentBytes = 1024 * 1024 } = request;
  checkRequest(request, alignmentBytes);
  const sectors = diskSizeBytes / sectorSize;
  const firstUsableLba = 2 + entrySectors(sectorSize);
  const lastUsableLba = sectors - 2 - entrySectors(sectorSize);
  const step = alignmentBytes / sectorSize;
  const align = (lba: number): number => Math.ceil(lba / step) * step;
  const sizes = partitions.map(({ sizeBytes }) =>
    sizeBytes === 'rest' ? 0 : Math.ceil(sizeBytes / sectorSize),
  );
  const rest = partitions.findIndex(({ sizeBytes }) => sizeBytes === 'rest');
  if (rest >= 0) {
    // The partitions behind keep their size and are packed against the end.
    let end = lastUsableLba + 1;
    for (let index = partitions.length - 1; index > rest; index -= 1)
      end = Math.floor((end - (sizes[index] ?? 0)) / step) * step;
    const start = partitions
      .slice(0, rest)
      .reduce((lba, _, index) => align(lba + (sizes[index] ?? 0)), align(firstUsableLba));
    sizes[rest] = end - start;
  }
  let next = align(firstUsableLba);
  const placed = partitions.map((partition, index): GptPartition => {
    const size = sizes[index] ?? 0;
    const firstLba = next;
    const lastLba = firstLba + size - 1;
    if (size < 1 || lastLba > lastUsableLba) {
      throw new GptPlanError(
        `partition ${partition.name} needs sectors ${firstLba}..${lastLba}, but the disk of ${diskSizeBytes} bytes ends at ${lastUsableLba}: make the disk larger or the partitions smaller`,
      );
    }
    next = align(lastLba + 1);
    return {
      name: partition.name,
      typeGuid: partition.typeGuid.toLowerCase(),
      guid: partition.guid.toLowerCase(),
      firstLba,
      lastLba,
      startBytes: firstLba * sectorSize,
      sizeBytes: size * sectorSize,
      attributes: partition.attributes ?? 0n,
    };
  });
  return {
    sectorSize,
    diskSizeBytes,
    diskGuid: request.diskGuid.toLowerCase(),
    firstUsableLba,
    lastUsableLba,
    partitions: placed,
  };
}

function checkRequest(
  { sectorSize, diskSizeBytes, diskGuid, partitions }: GptRequest,
  alignmentBytes: number,
): void {
  const refuse = (reason: string): never => {
    throw new GptPlanError(reason);
  };
  if (!Number.isSafeInteger(diskSizeBytes) || diskSizeBytes % sectorSize !== 0) {
    refuse(`diskSizeBytes ${diskSizeBytes} is not a multiple of the sector size ${sectorSize}`);
  }
  if (diskSizeBytes / sectorSize < 2 * entrySectors(sectorSize) + 4)
    refuse(`a disk of ${diskSizeBytes} bytes has no room for a GPT`);
  if (
    !Number.isSafeInteger(alignmentBytes) ||
    alignmentBytes < sectorSize ||
    alignmentBytes % sectorSize !== 0
  ) {
    refuse(`alignmentBytes ${alignmentBytes} is not a multiple of the sector size ${sectorSize}`);
  }
  if (!isGuid(diskGuid)) refuse(`diskGuid "${diskGuid}" is not a GUID`);
  if (partitions.length > entryCount)
    refuse(`${partitions.length} partitions; a GPT written here holds ${entryCount}`);
  if (partitions.filter(({ sizeBytes }) => sizeBytes === 'rest').length > 1)
    refuse('more than one partition asks for the rest of the disk');
  const guids = new Set<string>([diskGuid.toLowerCase()]);
  for (const { name, typeGuid, guid, sizeBytes } of partitions) {
    if (name.length > 36 || name.includes('\0'))
      refuse(`partition name "${name}" is longer than 36 UTF-16 units or holds a NUL`);
    if (!isGuid(typeGuid) || /^[0-]+$/.test(typeGuid))
      refuse(`partition ${name}: type "${typeGuid}" is not a partition type GUID`);
    if (!isGuid(guid)) refuse(`partition ${name}: "${guid}" is not a GUID`);
    if (guids.has(guid.toLowerCase())) refuse(`partition ${name}: GUID ${guid} is used twice`);
    guids.add(guid.toLowerCase());
    if (sizeBytes !== 'rest' && (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1))
      refuse(`partition ${name}: size ${sizeBytes} is not a positive number of bytes`);
  }
}
