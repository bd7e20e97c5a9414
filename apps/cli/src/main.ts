#!/usr/bin/env node
import { runCli } from './run-cli.ts';
import { nodeHost } from './host/node-host.ts';

const host = nodeHost();
const exitCode = await runCli(process.argv.slice(2), host);
await host.drain();
// Not `process.exitCode`: a guest or a download that is late must not hold up the shell.
process.exit(exitCode);
