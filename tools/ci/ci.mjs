import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAll } from './run-all.mjs';
import { CHECKS, SETUP, TESTS } from './steps.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const projects = ['packages', 'apps']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .concat('tools')
  .filter((folder) => existsSync(join(ROOT, folder, 'project.json')));

const stop = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    stop.abort();
  });
}

const { passed, failed } = await runAll({
  root: ROOT,
  logDirectory: join(ROOT, 'out/ci'),
  setup: SETUP,
  tests: TESTS,
  projects,
  checks: CHECKS,
  signal: stop.signal,
  say: (line) => {
    process.stdout.write(`${line}\n`);
  },
});
process.exitCode = failed === 0 ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
