import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, cliInShell, finished, startCli, type CliProcess } from './support/run-cli.ts';
import { startPrometheus } from './support/prometheus.ts';
import { openTerminal } from './support/terminal.ts';

// One real build (no virtual machine) is interrupted, looked at, resumed on a terminal, interrupted again, finished,
// and then repeated in every form of output. The tests depend on each other in this order.
const recipe = 'recipes/debian-no-apps.yaml';
let folder = '';
let out = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-cli-'));
  out = path.join(folder, 'out');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Resolves when the text is in what the command has printed; for a pattern with its first group. */
async function said(child: CliProcess, text: string | RegExp, stream = child.stdout): Promise<string> {
  let all = '';
  return new Promise<string>((resolve, reject) => {
    stream.on('data', (chunk: unknown) => {
      all += String(chunk);
      if (typeof text === 'string') {
        if (all.includes(text)) resolve(text);
        return;
      }
      const found = text.exec(all);
      if (found !== null) resolve(found[1] ?? found[0]);
    });
    child.once('close', () => {
      reject(new Error(`it ended without saying ${String(text)}:\n${all}`));
    });
  });
}

/** The data of all events of a type in the build's journal. */
async function journalled(type: string): Promise<Readonly<Record<string, unknown>>[]> {
  const text = await readFile(path.join(out, 'debian-no-apps', '.osforge', 'events.ndjson'), 'utf8');
  return (
    text
      .split('\n')
      .filter((line) => line.includes(`"type":"${type}"`))
      // Each line is an event, as the line says.
      .map((line) => (JSON.parse(line) as { data: Record<string, unknown> }).data)
  );
}

interface Listed {
  buildId: string;
  state: string;
  nextPhase?: string;
}

async function listed(): Promise<Listed[]> {
  const { stdout } = await cli(['builds', 'list', '--out', out, '--json']);
  // The shape is what this test asserts on.
  return JSON.parse(stdout) as Listed[];
}

describe('a real build', { timeout: 600_000 }, () => {
  test('Prometheus scrapes its phases; SIGINT in its middle ends it with 130 and keeps what is finished', async () => {
    const file = path.join(folder, 'build.prom');
    const child = startCli([
      ...['build-image', recipe, '--out', out],
      ...['--metrics-port', '0', '--metrics-file', file],
    ]);
    const end = finished(child);
    const started = said(child, 'disk: started');
    const url = await said(child, /Metrics: (\S+)\n/, child.stderr);
    const prometheus = await startPrometheus(path.join(folder, 'prometheus'), url);
    try {
      await started;
      const durations = await prometheus.until(
        'osforge_build_phase_duration_seconds_sum{job="osforge", outcome="completed"}',
        (samples) =>
          ['preflight', 'updates'].every((phase) => samples.some(({ labels }) => labels['phase'] === phase)),
      );
      const told = await journalled('phase.completed');
      for (const { labels, value } of durations) {
        expect(labels['build_id']).toBe('debian-no-apps');
        const { durationMs } = told.find(({ phase }) => phase === labels['phase']) ?? {};
        expect(value).toBeCloseTo(Number(durationMs) / 1000, 6);
      }
      // Waited for, too: a scrape that a busy machine was too slow for leaves nothing until the next.
      const isThere = (samples: readonly unknown[]): boolean => samples.length > 0;
      expect(await prometheus.until('osforge_build_outcome{outcome="running"}', isThere)).toMatchObject([
        { value: 1 },
      ]);
      expect(await prometheus.until('osforge_disk_free_bytes', isThere)).toMatchObject([
        { labels: { folder: out } },
      ]);
    } finally {
      await prometheus.close();
    }
    child.kill('SIGINT');
    const { code, stdout, stderr } = await end;
    const metrics = await readFile(file, 'utf8');
    execFileSync('promtool', ['check', 'metrics'], { input: metrics, stdio: 'pipe' });
    expect(metrics).toContain('osforge_build_outcome{build_id="debian-no-apps",outcome="cancelled"} 1\n');
    expect(metrics).toContain('osforge_build_outcome{build_id="debian-no-apps",outcome="running"} 0\n');
    expect(metrics).toMatch(/^osforge_build_phases_total\{.*phase="disk",outcome="cancelled"\} 1$/m);
    // node_exporter has metrics of these names of its own.
    expect(metrics).not.toMatch(/^(process|nodejs)_/m);
    expect(stderr).toContain('Stopping at the next safe point');
    expect(stderr).toContain('the same command continues there');
    expect(stdout).toContain('disk: cancelled');
    expect(code).toBe(130);
    expect(await listed()).toMatchObject([
      { buildId: 'debian-no-apps', state: 'incomplete', nextPhase: 'disk' },
    ]);
    const table = await cli(['builds', 'list', '--out', out]);
    expect(table.stdout).toMatch(/^BUILD +STATE +DONE .*\ndebian-no-apps +incomplete +\d+ % .*disk/);
    const plan = await cli(['plan', recipe, '--out', out]);
    expect(plan.stdout).toMatch(/^preflight +reuse +nothing changed$/m);
    expect(plan.stdout).toMatch(/^disk +run +not done yet$/m);
  });

  test('a second build of the same id is refused and told who holds it', async () => {
    const child = startCli(['build-image', recipe, '--out', out]);
    const end = finished(child);
    await said(child, 'disk: started');
    const file = path.join(folder, 'refused.prom');
    const other = await cli(['build-image', recipe, '--out', out, '--metrics-file', file]);
    expect(other.code).toBe(1);
    expect(await readFile(file, 'utf8')).toContain(
      'osforge_build_outcome{build_id="debian-no-apps",outcome="failed"} 1\n',
    );
    expect(other.stderr).toContain(`process ${child.pid ?? '?'} on`);
    child.kill('SIGTERM');
    const { code, stdout } = await end;
    expect(code).toBe(130);
    expect(stdout).toContain('preflight: reused (nothing changed)');
  });

  test('on a terminal it asks, draws, survives a resize, and stops at Ctrl-C', async () => {
    const terminal = await openTerminal(['build-image', recipe, '--out', out, '--ask'], {
      folder,
      columns: 90,
      rows: 30,
    });
    try {
      await terminal.until('the question', (text) =>
        text.includes('Found interrupted build. Resume from disk?'),
      );
      await terminal.keys('Enter');
      const wide = await terminal.until('a phase that runs', (text) =>
        /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] disk +\d.*\d%/.test(text),
      );
      expect(wide).toMatch(/^✔ preflight +reused: nothing changed$/m);
      expect(wide).toMatch(/^– media +skipped: not requested$/m);
      expect(wide).toMatch(/^· capture$/m);
      expect(wide).toMatch(/^━+─+ +\d+% {2}\d/m);

      await terminal.resize(40, 12);
      const narrow = await terminal.until(
        'the folded view',
        (text) => /^· \d+ to come$/m.test(text) && !text.includes('capture'),
      );
      const lines = narrow.trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(12);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
      expect(lines.filter((line) => line.includes('phases done'))).toHaveLength(1);

      await terminal.resize(100, 40);
      await terminal.until('the whole view again', (text) => text.includes('· capture'));
      await terminal.keys('C-c');
      const end = await terminal.until('the end', (text) => /^exit=\d+$/m.test(text));
      expect(end).toContain('Stopping at the next safe point');
      expect(end).toContain('■ disk');
      expect(end).toContain('exit=130');
    } finally {
      await terminal.close();
    }
  });

  test('the reader of the output goes away: the build goes on to its end', async () => {
    const { code, stdout, stderr } = await cliInShell(
      `"$@" build-image ${recipe} --out "$OUT" --events "$OUT/copy.ndjson" --metrics-file "$FILE" | head -1; exit "\${PIPESTATUS[0]}"`,
      { env: { OUT: out, FILE: path.join(folder, 'build.prom') } },
    );
    expect(stdout).toMatch(/^\[ +0\.\d s +0 %\] build debian-no-apps continues: .*\n$/);
    expect(stderr).toContain('The build goes on');
    expect(code).toBe(0);
    expect(existsSync(path.join(out, 'debian-no-apps', 'debian-no-apps.qcow2'))).toBe(true);
    const copy = (await readFile(path.join(out, 'copy.ndjson'), 'utf8')).trimEnd().split('\n');
    const types = copy.map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toContain('phase.reused');
    expect(types.at(-1)).toBe('build.completed');
    const metrics = await readFile(path.join(folder, 'build.prom'), 'utf8');
    expect(metrics).toContain('osforge_build_outcome{build_id="debian-no-apps",outcome="completed"} 1\n');
    expect(metrics).toMatch(/^osforge_build_flushed_bytes_total\{.*phase="capture"\} \d{6,}$/m);
    const ended = await journalled('phase.completed');
    const disk = ended.findLast(({ phase }) => phase === 'disk');
    const seconds = /_duration_seconds_sum\{.*phase="disk",outcome="completed"\} (\S+)/.exec(metrics)?.[1];
    expect(Number(seconds)).toBeCloseTo(Number(disk?.['durationMs']) / 1000, 6);
  });

  test('nothing to do: says so, with the reasons, the artifacts and how to boot it', async () => {
    const { code, stdout, stderr } = await cli(['build-image', recipe, '--out', out], { stdin: 'closed' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('disk: reused (nothing changed)');
    expect(stdout).toContain('usb: skipped (not requested)');
    expect(stdout).toContain('Nothing to do: debian-no-apps is up to date');
    expect(stdout).toMatch(/debian-no-apps\.qcow2 +\d+(\.\d)? MiB/);
    expect(stdout).toContain('OVMF_CODE_4M.fd');
    expect(stdout).not.toContain('\u001B');
  });

  test('--json prints the events and nothing else', async () => {
    const { code, stdout, stderr } = await cli(['build-image', recipe, '--out', out, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // The shape is what this test asserts on.
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { v: number; seq: number; type: string });
    expect(events.every(({ v }) => v === 1)).toBe(true);
    expect(events.at(0)?.type).toBe('build.started');
    expect(events.at(-1)?.type).toBe('build.completed');
    events.reduce(
      (last, { seq }) => {
        expect(seq).toBe(last + 1);
        return seq;
      },
      (events[0]?.seq ?? 0) - 1,
    );
  });

  test('--quiet prints one line', async () => {
    const { code, stdout, stderr } = await cli(['build-image', recipe, '--out', out, '--quiet']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stdout).toContain('up to date');
  });

  test.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['CI=true', { CI: 'true' }],
  ])('with %s a terminal gets plain lines', async (_name, env) => {
    const terminal = await openTerminal(['build-image', recipe, '--out', out], {
      folder,
      columns: 90,
      rows: 40,
      env,
    });
    try {
      const text = await terminal.until('the end', (screen) => screen.includes('exit=0'));
      expect(text).toMatch(/^\[ +\d+\.\d s +\d+ %\] disk: reused \(nothing changed\)$/m);
    } finally {
      await terminal.close();
    }
  });

  test('builds show tells phases and artifacts, builds clean --all removes the build', async () => {
    const show = await cli(['builds', 'show', 'debian-no-apps', '--out', out]);
    expect(show.code).toBe(0);
    expect(show.stdout).toMatch(/^state +complete, 100 %$/m);
    expect(show.stdout).toMatch(/^disk +done +\d/m);
    expect(show.stdout).toMatch(/^ {2}debian-no-apps\.vhdx +\d.* [0-9a-f]{64}$/m);
    const clean = await cli(['builds', 'clean', 'debian-no-apps', '--out', out]);
    expect(clean).toMatchObject({ code: 0, stdout: 'Build debian-no-apps has nothing left over.\n' });
    const all = await cli(['builds', 'clean', 'debian-no-apps', '--out', out, '--all']);
    expect(all).toMatchObject({ code: 0, stdout: 'Build debian-no-apps is removed.\n' });
    expect(existsSync(path.join(out, 'debian-no-apps'))).toBe(false);
    expect((await cli(['builds', 'list', '--out', out])).stdout).toBe(`There are no builds in ${out}.\n`);
  });
});
