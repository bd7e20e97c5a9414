import { nodeTooOld } from './node-version.mjs';

const tooOld = nodeTooOld(process.versions.node);
if (tooOld === undefined) {
  // Imported late: the rest uses what an old Node cannot read.
  void import('./main.mjs').then((module) => module.main(process.argv.slice(2)));
} else {
  process.stderr.write(tooOld);
  process.exitCode = 3;
}
