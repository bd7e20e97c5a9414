import type { BlockReader } from '../block/reader.ts';
import { readFileSystem } from '../inspect/file-system.ts';
import { readTable } from '../inspect/partition-table.ts';
import type { VerifyCheck } from './verify-check.ts';

/** The tables, and the file system in each partition. */
export async function checkTables(reader: BlockReader): Promise<VerifyCheck[]> {
  const { table, partitions } = await readTable(reader);
  const checks: VerifyCheck[] = [];
  if (table.kind === 'gpt')
    checks.push(
      table.problem === undefined
        ? { name: 'gpt', status: 'ok', detail: 'both copies, with their CRCs' }
        : { name: 'gpt', status: 'failed', detail: table.problem },
    );
  else if (table.problem !== undefined)
    checks.push({
      name: 'gpt',
      // A protective MBR promises a GPT.
      status: table.kind === 'mbr' ? 'failed' : 'note',
      detail: table.problem,
    });
  for (const { number, name, startBytes, sizeBytes } of partitions) {
    const label = `partition ${number}${name === '' ? '' : ` (${name})`}`;
    if (startBytes + sizeBytes > reader.sizeBytes) {
      const detail = `it reaches to byte ${startBytes + sizeBytes}, but the disk ends at ${reader.sizeBytes}`;
      checks.push({ name: label, status: 'failed', detail });
      continue;
    }
    const found = await readFileSystem(reader, startBytes, sizeBytes);
    if (found === undefined) continue;
    if (found.problem !== undefined)
      checks.push({
        name: label,
        status: 'failed',
        detail: `${found.type} at byte ${startBytes}: ${found.problem}`,
      });
    else if (found.sizeBytes !== undefined && found.sizeBytes > sizeBytes)
      checks.push({
        name: label,
        status: 'failed',
        detail: `${found.type} of ${found.sizeBytes} bytes in a partition of ${sizeBytes}`,
      });
    else if (found.dirty === true)
      checks.push({ name: label, status: 'note', detail: `${found.type} is ${found.state ?? 'dirty'}` });
    else
      checks.push({
        name: label,
        status: 'ok',
        detail: `${found.type}${found.state === undefined ? '' : `, ${found.state}`}`,
      });
  }
  return checks;
}
