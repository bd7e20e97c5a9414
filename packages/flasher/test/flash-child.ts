/** Run as a process: flashes one target and prints how far it is, until it is killed. */
import { flashImage } from '@osforge/flasher';
import type { Job } from './kill-flash.ts';

const { source, target, ...options } = JSON.parse(process.argv[2] ?? '') as Job; // made by the test
await flashImage({
  source: { path: source },
  targets: [target],
  ...options,
  onProgress: ({ verifiedBytes, doneBytes }) => {
    process.stdout.write(`${verifiedBytes > 0 ? doneBytes : 0}\n`);
  },
});
