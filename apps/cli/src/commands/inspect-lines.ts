import type { FileSystemFacts, ImageReport, InspectedPartition, InspectedStore } from '@osforge/disk-image';
import { cleanLine } from '../text/clean-text.ts';
import { formatSize } from '../text/size.ts';
import { formatTable } from '../text/table.ts';

/** What an image is and what is on it, for people. */
export function inspectLines(report: ImageReport): string[] {
  const { table, sectorSize, partitions, fileSystem, hashes, stores = [], disk = 1 } = report;
  const sectors =
    sectorSize.bytes === undefined
      ? 'not told (neither the format nor a GPT does)'
      : `${sectorSize.bytes} bytes, told by the ${sectorSize.told}${sectorSize.problem === undefined ? '' : `; but ${sectorSize.problem}`}`;
  const facts = [
    ['image', cleanLine(report.path)],
    ['format', report.format],
    ...(report.problem === undefined ? [] : [['problem', cleanLine(report.problem)]]),
    ...(stores.length === 0
      ? []
      : [['disks', `${stores.length}, listed at the end; what follows is about disk ${disk}`]]),
    ['sectors', sectors],
    ['disk', `${formatSize(report.virtualBytes)} (${report.virtualBytes} bytes)`],
    ['used', formatSize(report.usedBytes)],
    ['file', `${formatSize(report.fileBytes)}, occupies ${formatSize(report.allocatedBytes)}`],
    ['table', describeTable(report)],
    ...(table.problem === undefined || table.kind === 'none' ? [] : [['problem', cleanLine(table.problem)]]),
    ...(fileSystem === undefined
      ? []
      : [['file system', describeFileSystem(fileSystem).join(' ').trimEnd()]]),
    ...(hashes === undefined
      ? []
      : [
          ['file SHA-256', hashes.file],
          ['disk SHA-256', hashes.disk],
        ]),
  ];
  const rows = partitions.map((partition) => [
    String(partition.number),
    cleanLine(partition.name),
    formatSize(partition.startBytes),
    formatSize(partition.sizeBytes),
    partition.typeName ?? partition.typeGuid,
    partition.guid ?? '',
    ...content(partition),
  ]);
  const header = ['#', 'NAME', 'START', 'SIZE', 'TYPE', 'GUID', 'CONTENT', 'LABEL', 'STATE'];
  return [
    ...formatTable(facts),
    ...(rows.length === 0 ? [] : ['', ...formatTable([header, ...rows])]),
    ...(stores.length === 0 ? [] : ['', ...describeStores(stores)]),
  ];
}

/** The disks in one FFU. */
function describeStores(stores: readonly InspectedStore[]): string[] {
  return formatTable([
    ['DISK', 'SIZE', 'SECTORS', 'STORED', 'DEVICE PATH'],
    ...stores.map(({ number, sizeBytes, sectorSize, storedBytes, devicePath }) => [
      String(number),
      formatSize(sizeBytes),
      sectorSize === undefined ? 'not told' : `${sectorSize} bytes`,
      formatSize(storedBytes),
      cleanLine(devicePath ?? ''),
    ]),
  ]);
}

function describeTable({ table }: ImageReport): string {
  if (table.kind === 'none') return 'none';
  if (table.kind === 'mbr') return 'MBR';
  const copies =
    table.primaryOk === true && table.backupOk === true
      ? 'both copies sound'
      : `${table.primaryOk === true ? 'backup' : 'primary'} copy damaged`;
  return `GPT ${table.diskGuid ?? ''}, ${copies}`;
}

function content({ fileSystem, problem }: InspectedPartition): string[] {
  if (problem !== undefined) return ['', '', cleanLine(problem)];
  return fileSystem === undefined ? ['', '', ''] : describeFileSystem(fileSystem);
}

function describeFileSystem({ type, label, state, problem }: FileSystemFacts): string[] {
  return [
    type,
    cleanLine(label ?? ''),
    problem === undefined ? (state ?? '') : `damaged: ${cleanLine(problem)}`,
  ];
}
