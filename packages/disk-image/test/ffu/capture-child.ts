// Runs one capture, to be killed or measured: options as JSON in the first argument; a line for each step, then the report.
import { readFileSync } from 'node:fs';
import { captureFfu, type CaptureFfuOptions } from '@osforge/disk-image';

const [json = '{}'] = process.argv.slice(2);
// Written by the test beside this file.
const options = JSON.parse(json) as CaptureFfuOptions;
const report = await captureFfu({
  ...options,
  ...(options.createdAt === undefined ? {} : { createdAt: new Date(options.createdAt) }),
  onProgress: ({ step, doneBytes }) => {
    process.stdout.write(`${step} ${doneBytes}\n`);
  },
});
// Not maxRSS: that begins with what the process had in memory that started this one.
const peakKib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
process.stdout.write(`done ${JSON.stringify({ resumedBlocks: report.resumedBlocks, peakKib })}\n`);
