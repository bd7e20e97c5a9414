// Verifies a small image, then the one that is measured: their paths are the arguments. A line of JSON: whether it holds,
// and the bytes that this process, and the programs it waited for, read meanwhile (rchar in proc(5), cached or not).
import { readFileSync } from 'node:fs';
import { verifyImage } from '@osforge/disk-image';

const [warmUp = '', measured = ''] = process.argv.slice(2);

function readBytes(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

// What is loaded at the first call must not count.
await verifyImage(warmUp);
const before = readBytes();
const { ok, checks } = await verifyImage(measured);
process.stdout.write(`${JSON.stringify({ ok, checks, readBytes: readBytes() - before })}\n`);
