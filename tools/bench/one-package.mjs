/** `nx bench <package>`, in the package's folder: runs its benches and writes out-bench/result.json. */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArguments, USAGE } from './arguments.mjs';
import { combine, CONFIDENCE } from './combine.mjs';
import { commit, load, thisMachine, versionsFor } from './machine.mjs';
import { drawProfiles } from './profile/draw-profiles.mjs';
import { readRaw } from './raw.mjs';
import { checkResult, SCHEMA } from './result.mjs';
import { runProgram, stopSignal } from './run-program.mjs';

const here = (/** @type {string} */ file) => fileURLToPath(new URL(file, import.meta.url));
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

const request = parseArguments(process.argv.slice(2));
if ('help' in request) {
  process.stdout.write(USAGE);
} else if ('usageError' in request) {
  process.stderr.write(`${request.usageError}\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = await benchPackage(request, process.cwd());
}

/**
 * @param {import('./arguments.mjs').BenchRequest} request
 * @param {string} folder of the package
 * @returns {Promise<number>} exit code
 */
async function benchPackage({ rounds, profile, program }, folder) {
  const signal = stopSignal();
  const out = path.join(folder, 'out-bench');
  const rawFile = path.join(out, 'raw.ndjson');
  const resultFile = path.join(out, 'result.json');
  const profiles = path.join(out, `profile-${profile ?? 'none'}`);
  mkdirSync(out, { recursive: true });
  // What an earlier run left must not pass for this one's.
  for (const old of profile === undefined ? [rawFile, resultFile] : [profiles]) {
    rmSync(old, { force: true, recursive: true });
  }
  const { name: packageName } = /** @type {{ name: string }} */ (
    JSON.parse(readFileSync(path.join(folder, 'project.json'), 'utf8'))
  );
  const loadStart = load();
  /** @type {string[]} */
  const problems = [];
  const env = { ...process.env, OSFORGE_BENCH_RAW: rawFile, OSFORGE_BENCH_ROUNDS: String(rounds) };
  if (profile !== undefined) {
    mkdirSync(profiles, { recursive: true });
    Object.assign(env, { OSFORGE_BENCH_PROFILE: profile, OSFORGE_BENCH_PROFILE_FOLDER: profiles });
  }
  const run = async (/** @type {string} */ what, /** @type {string[]} */ args, round = 0) => {
    const problem = await runProgram(process.execPath, args, {
      cwd: folder,
      env: { ...env, OSFORGE_BENCH_ROUND: String(round) },
      signal,
    });
    if (problem !== undefined) problems.push(`${what}: ${problem}`);
  };

  if (globSync('bench/**/*.bench.ts', { cwd: folder }).length > 0) {
    const vitest = here('../../node_modules/vitest/vitest.mjs');
    const config = here('../../vitest.bench.config.ts');
    const times = profile === undefined ? rounds : 1;
    for (let round = 0; round < times && problems.length === 0; round += 1) {
      say(`== ${packageName}: round ${round + 1} of ${times}`);
      await run(`round ${round + 1}`, [vitest, 'bench', '--run', '--config', config], round);
    }
  }
  if (program !== undefined) await run(program, [program]);
  if (profile === undefined) {
    for (const file of globSync('bench/**/*.memory.ts', { cwd: folder }).sort()) {
      await run(file, ['--expose-gc', here('memory.mjs'), file]);
    }
  }

  if (signal.aborted) {
    process.stderr.write(`The bench of ${packageName} was stopped; nothing is written.\n`);
    return 1;
  }
  if (profile !== undefined) {
    const drawn = drawProfiles(profiles);
    for (const file of drawn) say(`flame graph: ${path.relative(here('../..'), file)}`);
    if (drawn.length === 0) problems.push('no profile was written');
  } else {
    const raw = readRaw(rawFile);
    const combined = combine(raw.filter((line) => line.kind === 'group'));
    problems.push(...combined.problems);
    const memory = raw.filter((line) => line.kind === 'memory').map(({ result }) => result);
    if (raw.length === 0 && problems.length === 0) problems.push('no bench was found');
    const result = checkResult(
      {
        schema: SCHEMA,
        package: packageName,
        date: new Date().toISOString(),
        commit: commit(),
        machine: thisMachine(loadStart),
        versions: versionsFor(packageName),
        rounds,
        confidence: CONFIDENCE,
        groups: combined.groups,
        memory,
        problems,
      },
      'the result',
    );
    writeFileSync(`${resultFile}.tmp`, `${JSON.stringify(result, undefined, 2)}\n`);
    renameSync(`${resultFile}.tmp`, resultFile);
    if (existsSync(resultFile)) say(`result: ${path.relative(here('../..'), resultFile)}`);
  }
  for (const problem of problems) process.stderr.write(`${packageName}: ${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}
