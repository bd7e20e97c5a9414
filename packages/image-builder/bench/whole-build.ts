/**
 * Whole builds beside the same steps by hand (tools/bench/by-hand.sh), in turn in one run.
 *
 *   npx nx bench image-builder              # 3 pairs
 *   OSFORGE_BENCH_PAIRS=5 npx nx bench image-builder
 *   npx nx bench image-builder --profile cpu  # one cold build, profiled
 *
 * Every cold build starts with an empty cache and an empty output folder. Needs root, as the script does.
 * Prints a table and writes each pair as a round to the file OSFORGE_BENCH_RAW (see docs/benchmarks.md).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pairs = Number(process.env['OSFORGE_BENCH_PAIRS'] ?? 3);
const profile = process.env['OSFORGE_BENCH_PROFILE'];
const rawFile = process.env['OSFORGE_BENCH_RAW'];
const cli = path.join(root, 'apps/cli/dist/main.js');

interface Line {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

interface BuildFigures {
  /** Process start to exit. */
  readonly seconds: number;
  /** Process start to the first phase that really ran. */
  readonly firstPhaseMs: number;
  readonly peakMebibytes: number;
  readonly ran: readonly string[];
}

async function peakMebibytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 'self'}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Node's own, as the build is a process of its own. */
function profileFlags(): readonly string[] {
  if (profile !== 'cpu' && profile !== 'heap') return [];
  const folder = process.env['OSFORGE_BENCH_PROFILE_FOLDER'] ?? '.';
  return [
    `--${profile}-prof`,
    `--${profile}-prof-dir=${folder}`,
    `--${profile}-prof-name=cold-build.${profile}profile`,
  ];
}

/** One pair is one round of the result: what was measured, beside what, in which unit. */
async function writeRound(
  name: string,
  unit: 's' | 'ms' | 'MiB',
  values: Readonly<Record<string, number>>,
): Promise<void> {
  if (rawFile === undefined) return;
  const entries = Object.entries(values).map(([fullName, value]) => {
    const peer = /^peer: (.*)$/.exec(fullName)?.[1];
    const role = peer === undefined ? 'ours' : 'peer';
    return { name: peer ?? fullName, role, unit, values: [value], samples: 1 };
  });
  const round = { kind: 'group', file: 'bench/whole-build.ts', name, entries, missing: [] };
  await appendFile(rawFile, `${JSON.stringify(round)}\n`);
}

function startBuild(recipe: string, out: string, cache: string): ChildProcess {
  return spawn(process.execPath, [...profileFlags(), cli, 'build-image', recipe, '--out', out, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OSFORGE_CACHE_DIR: cache },
  });
}

async function build(recipe: string, out: string, cache: string, killAt?: string): Promise<BuildFigures> {
  const started = performance.now();
  const child = startBuild(recipe, out, cache);
  const ended = once(child, 'exit');
  let firstPhaseMs = 0;
  let peak = 0;
  const ran: string[] = [];
  if (!child.stdout) throw new Error('the build has no output');
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line; // our own events, one a line
    if (line.type === 'phase.started') {
      if (ran.length === 0) firstPhaseMs = performance.now() - started;
      ran.push(String(line.data['phase']));
    }
    if (line.type === killAt) child.kill('SIGKILL');
    if (line.type === 'pipeline.completed') peak = await peakMebibytes(child.pid);
  }
  const [code] = (await ended) as [number | null]; // the `exit` event's first argument
  if (killAt === undefined && code !== 0) throw new Error(`the build ended with exit code ${String(code)}`);
  return { seconds: (performance.now() - started) / 1000, firstPhaseMs, peakMebibytes: peak, ran };
}

async function byHand(out: string): Promise<number> {
  const started = performance.now();
  const child = spawn('bash', [path.join(root, 'tools/bench/by-hand.sh'), out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const [code] = (await once(child, 'exit')) as [number | null]; // the `exit` event's first argument
  if (code !== 0) throw new Error(`by-hand.sh ended with exit code ${String(code)}:\n${errors}`);
  return (performance.now() - started) / 1000;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const show = (values: readonly number[], digits = 1): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

const folder = await mkdtemp(path.join(tmpdir(), 'osforge-bench-'));
const figures = {
  hand: [],
  cold: [],
  ratio: [],
  changed: [],
  changedRatio: [],
  unchanged: [],
  resumeMs: [],
  peak: [],
} as {
  [
    name in 'hand' | 'cold' | 'ratio' | 'changed' | 'changedRatio' | 'unchanged' | 'resumeMs' | 'peak'
  ]: number[];
};
try {
  const source = await readFile(path.join(root, 'recipes/debian-minimal.yaml'), 'utf8');
  for (let pair = 0; pair < pairs; pair += 1) {
    const out = path.join(folder, `out-${pair}`);
    const cache = path.join(folder, `cache-${pair}`);
    const recipe = path.join(folder, 'recipe.yaml');
    await writeFile(recipe, source);
    const cold = await build(recipe, out, cache);
    if (profile !== undefined) break;
    await mkdir(path.join(folder, 'hand'), { recursive: true });
    const hand = await byHand(path.join(folder, 'hand'));
    const unchanged = await build(recipe, out, cache);
    if (unchanged.ran.length > 0) throw new Error(`an unchanged build ran ${unchanged.ran.join(', ')}`);
    await writeFile(
      recipe,
      source.replace('packages: [nginx]', 'packages: [nginx-light]').replace('- name: nginx', '- name: web'),
    );
    await build(recipe, out, cache, 'guest.step');
    const resumed = await build(recipe, out, cache);
    await writeFile(recipe, source);
    const changed = await build(recipe, out, cache);
    figures.hand.push(hand);
    figures.cold.push(cold.seconds);
    figures.ratio.push(cold.seconds / hand);
    figures.changed.push(changed.seconds);
    figures.changedRatio.push(changed.seconds / cold.seconds);
    figures.unchanged.push(unchanged.seconds);
    figures.resumeMs.push(resumed.firstPhaseMs);
    figures.peak.push(cold.peakMebibytes);
    await writeRound('whole build of the default recipe', 's', {
      'osforge build-image, nothing cached': cold.seconds,
      'peer: the same by hand (tools/bench/by-hand.sh)': hand,
    });
    await writeRound('whole build after a change', 's', {
      'an application changed': changed.seconds,
      'nothing changed': unchanged.seconds,
      'peer: nothing cached': cold.seconds,
    });
    await writeRound('resume after a kill', 'ms', {
      'start of the process to the first repeated phase': resumed.firstPhaseMs,
    });
    await writeRound('peak memory', 'MiB', { 'of the process that builds': cold.peakMebibytes });
    process.stdout.write(
      `pair ${pair + 1}: cold ${cold.seconds.toFixed(1)} s, by hand ${hand.toFixed(1)} s\n`,
    );
    await rm(out, { recursive: true, force: true });
    await rm(cache, { recursive: true, force: true });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

if (profile === undefined) {
  const rows: readonly (readonly [string, string, string])[] = [
    ['cold build, s', show(figures.cold), ''],
    ['the same by hand, s', show(figures.hand), ''],
    ['cold / by hand', show(figures.ratio, 2), '≤ 1.10'],
    ['an application changed, s', show(figures.changed), ''],
    ['changed / cold', show(figures.changedRatio, 2), '≤ 0.50'],
    ['nothing changed, s (whole process)', show(figures.unchanged, 2), '< 1'],
    ['resume: start to first repeated phase, ms', show(figures.resumeMs, 0), '< 500'],
    ['peak memory of the builder, MiB', show(figures.peak, 0), '< 250'],
  ];
  const table = [
    '| figure | median (min–max) | bar |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  process.stdout.write(`${table.join('\n')}\n`);
}
