/** Run as a process: flashes one target and prints how far it is, until it is killed. */
import { flashImage, type TargetIdentity } from '@osforge/flasher';

interface Job {
  readonly source: string;
  readonly target: TargetIdentity;
  readonly journalFolder: string;
}

const { source, target, journalFolder } = JSON.parse(process.argv[2] ?? '') as Job; // made by the test
await flashImage({
  source: { path: source },
  targets: [target],
  journalFolder,
  onProgress: ({ verifiedBytes, doneBytes }) => {
    process.stdout.write(`${verifiedBytes > 0 ? doneBytes : 0}\n`);
  },
});
