import type { BlockReader } from '../block/reader.ts';
import { GptFormatError } from '../errors.ts';
import { partitionTypes } from '../gpt/guid.ts';
import { readGpt } from '../gpt/read.ts';

/** One partition of any kind of table. */
export interface PartitionFacts {
  /** From 1: the place in the table, as Linux numbers them. */
  readonly number: number;
  readonly name: string;
  /** A GUID; of an MBR its type byte as `0x83`. */
  readonly typeGuid: string;
  /** The type's usual name, where it is known. */
  readonly typeName?: string;
  readonly guid?: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** Sixteen hex digits; only where one is set. */
  readonly attributes?: string;
}

export interface TableFacts {
  readonly kind: 'gpt' | 'mbr' | 'none';
  readonly diskGuid?: string;
  /** Of a GPT: which of its two copies are sound. */
  readonly primaryOk?: boolean;
  readonly backupOk?: boolean;
  /** Why a copy, or the whole table, is not used. */
  readonly problem?: string;
}

const typeNames = new Map<string, string>([
  [partitionTypes.efiSystem, 'EFI system'],
  [partitionTypes.linuxData, 'Linux data'],
  [partitionTypes.linuxRootX64, 'Linux root (x86-64)'],
  [partitionTypes.microsoftBasicData, 'Microsoft basic data'],
  ['b921b045-1df0-41c3-af44-4c6f280d3fae', 'Linux root (arm64)'],
  ['0657fd6d-a4ab-43c4-84e5-0933c84b4f4f', 'Linux swap'],
  ['933ac7e1-2eb4-4f13-b844-0e14e2aef915', 'Linux home'],
  ['bc13c2ff-59e6-4262-a352-b275fd6f7172', 'Linux extended boot'],
  ['e6d6d379-f507-44c2-a23c-238f2a3df928', 'Linux LVM'],
  ['a19d880f-05fc-4d3b-a006-743f0f84911e', 'Linux RAID'],
  ['21686148-6449-6e6f-744e-656564454649', 'BIOS boot'],
  ['e3c9e316-0b5c-4db8-817d-f92df00215ae', 'Microsoft reserved'],
  ['de94bba4-06d1-4d40-a16a-bfd50179d6ac', 'Windows recovery'],
]);

/** The partition table, whichever is there: a GPT, else the four entries of an MBR. Never throws for what it holds. */
export async function readTable(
  reader: BlockReader,
): Promise<{ table: TableFacts; partitions: PartitionFacts[]; sectorSize: 512 | 4096 | undefined }> {
  try {
    const gpt = await readGpt(reader);
    const { diskGuid, primaryOk, backupOk, problem, sectorSize } = gpt;
    const partitions = gpt.partitions.map(
      ({ name, typeGuid, guid, startBytes, sizeBytes, attributes }, index): PartitionFacts => {
        const typeName = typeNames.get(typeGuid);
        return {
          number: gpt.numbers[index] ?? index + 1,
          name,
          typeGuid,
          ...(typeName === undefined ? {} : { typeName }),
          guid,
          startBytes,
          sizeBytes,
          ...(attributes === 0n ? {} : { attributes: attributes.toString(16).padStart(16, '0') }),
        };
      },
    );
    const table = {
      kind: 'gpt' as const,
      diskGuid,
      primaryOk,
      backupOk,
      ...(problem === undefined ? {} : { problem }),
    };
    return { table, partitions, sectorSize };
  } catch (error) {
    if (!(error instanceof GptFormatError)) throw error;
    return readMbr(reader, error.message);
  }
}

async function readMbr(
  reader: BlockReader,
  problem: string,
): Promise<{ table: TableFacts; partitions: PartitionFacts[]; sectorSize: undefined }> {
  const none = { table: { kind: 'none' as const, problem }, partitions: [], sectorSize: undefined };
  if (reader.sizeBytes < 512) return none;
  const sector = Buffer.from(await reader.read(0, 512));
  if (sector.readUInt16LE(510) !== 0xaa55) return none;
  const partitions: PartitionFacts[] = [];
  for (let index = 0; index < 4; index += 1) {
    const entry = sector.subarray(446 + 16 * index, 462 + 16 * index);
    const type = entry.readUInt8(4);
    const sectors = entry.readUInt32LE(12);
    const flag = entry.readUInt8(0);
    if (flag !== 0 && flag !== 0x80) return none;
    if (type === 0 || sectors === 0) continue;
    partitions.push({
      number: index + 1,
      name: '',
      typeGuid: `0x${type.toString(16).padStart(2, '0')}`,
      startBytes: entry.readUInt32LE(8) * 512,
      sizeBytes: sectors * 512,
    });
  }
  if (partitions.length === 0) return none;
  const protective = partitions.some(({ typeGuid }) => typeGuid === '0xee');
  const table = { kind: 'mbr' as const, ...(protective ? { problem } : {}) };
  return { table, partitions, sectorSize: undefined };
}
