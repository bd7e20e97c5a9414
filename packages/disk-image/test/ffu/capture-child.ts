// Runs one capture, to be killed: options as JSON in the first argument; a line for each step, then the report.
import { captureFfu, type CaptureFfuOptions } from '@osforge/disk-image';

const [json = '{}'] = process.argv.slice(2);
// Written by the test beside this file.
const options = JSON.parse(json) as CaptureFfuOptions;
const before = process.resourceUsage().maxRSS;
const report = await captureFfu({
  ...options,
  ...(options.createdAt === undefined ? {} : { createdAt: new Date(options.createdAt) }),
  onProgress: ({ step, doneBytes }) => {
    process.stdout.write(`${step} ${doneBytes}\n`);
  },
});
process.stdout.write(
  `done ${JSON.stringify({ resumedBlocks: report.resumedBlocks, grownKib: process.resourceUsage().maxRSS - before })}\n`,
);
