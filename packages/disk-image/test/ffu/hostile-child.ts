// Verifies (with threads or without), or opens and reads, hostile files, to be measured: `verify`, `verify-alone` or `read`,
// then their paths. A line of JSON for
// each: what it came to, and by how much the most memory in use grew.
import { readFileSync } from 'node:fs';
import { isImageFormatError, openFfu, verifyFfu } from '@osforge/disk-image';

const [work, ...paths] = process.argv.slice(2);

/** Not maxRSS: that begins with what the process had in memory that started this one, and what grows below it is not seen. */
function peakKib(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

async function verify(path: string): Promise<string> {
  const options = work === 'verify' ? {} : { workers: 0 };
  return `verified: ${(await verifyFfu(path, options)).ok}`;
}

async function read(path: string): Promise<string> {
  const image = await openFfu(path);
  try {
    let left = 100;
    for (const { startBytes } of image.runs()) {
      await image.read(startBytes, 512);
      left -= 1;
      if (left === 0) break;
    }
    return `read ${(await image.extents()).length} extents`;
  } finally {
    await image.close();
  }
}

for (const path of paths) {
  const before = peakKib();
  let outcome: string;
  try {
    outcome = await (work === 'read' ? read(path) : verify(path));
  } catch (error) {
    if (!isImageFormatError(error)) throw error;
    outcome = String(error);
  }
  const grownKib = peakKib() - before;
  process.stdout.write(`${JSON.stringify({ outcome, grownKib })}\n`);
}
