/** `npm run bench`: the benches of all packages, one after the other, and docs/benchmarks.md from what they measured. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArguments, USAGE } from './arguments.mjs';
import { withResults } from './report/docs.mjs';
import { readResult } from './result.mjs';
import { runProgram, stopSignal } from './run-program.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCS = path.join(ROOT, 'docs/benchmarks.md');
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

const request = parseArguments(process.argv.slice(2));
if ('help' in request) {
  process.stdout.write(USAGE);
} else if ('usageError' in request) {
  process.stderr.write(`${request.usageError}\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = await benchAll(request);
}

/** @returns {{ name: string, folder: string }[]} projects that have a target `bench` */
function projects() {
  return globSync('{packages,apps}/*/project.json', { cwd: ROOT })
    .sort()
    .map((file) => {
      /** @type {{ name: string, targets?: Record<string, unknown> }} */
      const { name, targets = {} } = JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
      return { name, folder: path.join(ROOT, path.dirname(file)), has: 'bench' in targets };
    })
    .filter(({ has }) => has);
}

/**
 * @param {import('./arguments.mjs').BenchRequest} request
 * @returns {Promise<number>} exit code
 */
async function benchAll({ only, rounds, profile }) {
  const all = projects();
  const unknown = (only ?? []).filter((name) => !all.some((project) => project.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no benches in ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}\n`,
    );
    return 2;
  }
  const signal = stopSignal();
  /** @type {string[]} */
  const failed = [];
  const measured = [];
  for (const { name, folder } of all.filter((project) => only === undefined || only.includes(project.name))) {
    if (signal.aborted) break;
    const resultFile = path.join(folder, 'out-bench/result.json');
    // One of an earlier day must not be written down as today's.
    if (profile === undefined) rmSync(resultFile, { force: true });
    say(`== ${name}`);
    const problem = await runProgram(
      'npx',
      [
        ...['nx', 'bench', name, '--output-style=stream-without-prefixes', `--rounds=${rounds}`],
        ...(profile === undefined ? [] : [`--profile=${profile}`]),
      ],
      { cwd: ROOT, signal },
    );
    if (problem !== undefined) failed.push(`${name}: ${problem}`);
    else if (profile === undefined) {
      if (existsSync(resultFile)) measured.push(readResult(resultFile));
      else failed.push(`${name}: it wrote no result`);
    }
  }
  if (signal.aborted) {
    process.stderr.write('Stopped; docs/benchmarks.md is as it was.\n');
    return 1;
  }
  if (measured.length > 0) {
    const out = path.join(ROOT, 'out/bench');
    mkdirSync(out, { recursive: true });
    const file = path.join(out, `${new Date().toISOString().replaceAll(':', '')}.json`);
    writeFileSync(file, `${JSON.stringify(measured, undefined, 2)}\n`);
    say(`results, to compare with others: ${path.relative(ROOT, file)}`);
    const text = withResults(readFileSync(DOCS, 'utf8'), measured);
    // Formatted before it takes the place of the old one: there is always a whole file.
    writeFileSync(
      `${DOCS}.tmp`,
      execFileSync('npx', ['prettier', '--stdin-filepath', DOCS], { cwd: ROOT, input: text }),
    );
    renameSync(`${DOCS}.tmp`, DOCS);
    say(`docs/benchmarks.md: ${measured.map((result) => result.package).join(', ')}`);
  }
  for (const line of failed)
    process.stderr.write(`failed: ${line}; what docs/benchmarks.md says of it is older\n`);
  return failed.length === 0 ? 0 : 1;
}
