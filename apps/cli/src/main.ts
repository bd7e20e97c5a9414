#!/usr/bin/env node
import { nodeTooOld } from './node-version.ts';

const tooOld = nodeTooOld(process.versions.node);
if (tooOld !== undefined) {
  process.stderr.write(`${tooOld}\n`);
  process.exit(3);
}
// Only now: an old Node.js may not even be able to read the rest.
const [{ runCli }, { nodeHost }] = await Promise.all([import('./run-cli.ts'), import('./host/node-host.ts')]);
const host = nodeHost();
const exitCode = await runCli(process.argv.slice(2), host);
await host.drain();
// Not `process.exitCode`: a guest or a download that is late must not hold up the shell.
process.exit(exitCode);
