import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAll } from './run-all.mjs';
import { CHECKS, SETUP, TESTS } from './steps.mjs';
import { totalTime } from './total-time.mjs';

const started = performance.now();
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the targets of Nx that are tests write; see nx.json. */
const REPORTS = { test: 'out-test/result.json', e2e: 'out-test/e2e.json' };

const reports = ['packages', 'apps']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .concat('tools')
  .filter((folder) => existsSync(join(ROOT, folder, 'project.json')))
  .flatMap((folder) => {
    /** @type {{ targets: Record<string, unknown> }} */
    const { targets } = JSON.parse(readFileSync(join(ROOT, folder, 'project.json'), 'utf8'));
    return Object.entries(REPORTS)
      .filter(([target]) => target in targets)
      .map(([target, file]) => ({ name: `${folder} ${target}`, file: `${folder}/${file}` }));
  });

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
  reports,
  checks: CHECKS,
  signal: stop.signal,
  say: (line) => {
    process.stdout.write(`${line}\n`);
  },
});
for (const line of totalTime(performance.now() - started)) process.stdout.write(`${line}\n`);
process.exitCode = failed === 0 ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
