import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  findProgram,
  isTransientProcessError,
  OutputTooLongError,
  ProcessLogFileError,
  ProgramFailedError,
  ProgramMissingError,
  ProgramSpawnError,
  run,
  start,
} from '@osforge/process';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'osforge-process-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

test('gives both outputs, the exit code, the duration and the pid', async () => {
  const result = await run('sh', ['-c', 'echo out; echo err >&2; echo $$']);
  expect(result).toMatchObject({
    exitCode: 0,
    stdout: `out\n${result.pid}`,
    stderr: 'err',
    droppedBytes: { stdout: 0, stderr: 0 },
    outputComplete: true,
  });
  expect(result.durationMs).toBeGreaterThan(0);
});

test('arguments, input and environment arrive as they are', async () => {
  const argument = `a b'c"d\\e$f\n*\u{1f600}`;
  const input = new Uint8Array([0, 255, 10, 13]);
  const script = 'printf "%s|%s|%s|%s|" "$1" "$GIVEN" "${HOME-none}" "$LC_ALL"; od -An -tx1; pwd';
  const result = await run('sh', ['-c', script, 'sh', argument], {
    cwd: '/usr',
    env: { GIVEN: 'x\ny', HOME: undefined },
    input,
  });
  expect(result.stdout).toBe(`${argument}|x\ny|none|C.UTF-8| 00 ff 0a 0d\n/usr`);
});

test.each([
  { lifetime: 'child' },
  { lifetime: 'tree', mechanism: 'pid-namespace' },
  { lifetime: 'tree', mechanism: 'reaper' },
] as const)('open files are inherited as 3 to 8, in order, by $lifetime $mechanism', async (options) => {
  const path = join(folder, 'inherited');
  const files = await Promise.all([0, 1, 2, 3, 4, 5].map((number) => open(`${path}.${number}`, 'w')));
  const descriptors = files.map(({ fd }) => fd);
  await run('sh', ['-c', 'for fd in 3 4 5 6 7 8; do eval "echo $fd >&$fd"; done'], {
    ...options,
    descriptors,
  });
  // They are still ours.
  await Promise.all(files.map((file) => file.write('+')));
  await Promise.all(files.map((file) => file.close()));
  for (const number of files.keys())
    expect(await readFile(`${path}.${number}`, 'utf8')).toBe(`${number + 3}\n+`);
  const tooMany = run('true', [], { ...options, descriptors: [0, 0, 0, 0, 0, 0, 0] });
  await expect(tooMany).rejects.toThrow('at most 6 can be');
});

test('of our environment a program gets what it needs, and no secret', async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    WEB_TOKEN: 'hunter2-hunter2',
    OSFORGE_CACHE_DIR: '/c',
    http_proxy: 'http://p:1',
  });
  try {
    for (const lifetime of ['child', 'tree'] as const) {
      const { stdout } = await run('env', [], { lifetime, env: { GIVEN: 'yes' } });
      const names = stdout.split('\n').map((line) => line.split('=')[0]);
      expect(stdout).not.toContain('hunter2-hunter2');
      expect(names).not.toContain('OSFORGE_CACHE_DIR');
      expect(names).toEqual(expect.arrayContaining(['GIVEN', 'http_proxy', 'LC_ALL', 'PATH']));
    }
  } finally {
    for (const name of ['WEB_TOKEN', 'OSFORGE_CACHE_DIR', 'http_proxy']) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  }
});

test('without input there is nothing to read', async () => {
  expect((await run('cat', [])).stdout).toBe('');
});

test('a program that does not read its input does not fail for it', async () => {
  expect((await run('true', [], { input: 'x'.repeat(1_000_000) })).exitCode).toBe(0);
});

test('an exit code that is not allowed is an error with the last lines', async () => {
  const script = 'for i in $(seq 30); do echo line $i; done; echo "no space left" >&2; exit 4';
  const error = await caught(run('sh', ['-c', script]));
  expect(error).toBeInstanceOf(ProgramFailedError);
  expect(error).toMatchObject({ code: 'PROCESS_FAILED', program: 'sh', exitCode: 4, signal: null });
  expect(error).toHaveProperty('lastLines.length', 20);
  expect(String(error)).toMatch(/ended with exit code 4\. Its last lines:\n[^]*no space left/);
  expect((await run('sh', ['-c', 'exit 4'], { allowedExitCodes: [0, 4] })).exitCode).toBe(4);
  expect(await caught(run('sh', ['-c', 'kill -9 $$']))).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
});

describe('a missing program', () => {
  test.each([
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['qemu-img', 'qemu-utils'],
    ['mkfs.ext4', 'e2fsprogs'],
    ['mcopy', 'mtools'],
    ['sgdisk', 'gdisk'],
    ['apt-ftparchive', 'apt-utils'],
    ['setpriv', 'util-linux'],
    ['/nowhere/xorriso', 'xorriso'],
  ])('%s is in the package %s', (program, debianPackage) => {
    const error = new ProgramMissingError(program);
    expect(error).toMatchObject({ code: 'PROCESS_PROGRAM_MISSING', program, debianPackage });
    expect(error.message).toBe(
      `The program ${program} was not found. Install it: apt-get install ${debianPackage}`,
    );
  });

  test('is refused before anything starts', async () => {
    expect(await caught(run('osforge-no-such-program', []))).toBeInstanceOf(ProgramMissingError);
    expect(() => start(join(folder, 'nothing'), [])).toThrow(ProgramMissingError);
    await writeFile(join(folder, 'not-executable'), '#!/bin/sh\n', { mode: 0o600 });
    expect(await caught(run(join(folder, 'not-executable'), []))).toBeInstanceOf(ProgramMissingError);
    expect(await caught(run(folder, []))).toBeInstanceOf(ProgramMissingError);
    expect(await caught(run('', []))).toBeInstanceOf(ProgramMissingError);
  });
});

test('sbin is searched even if PATH lacks it, and the program finds it there too', async () => {
  expect(findProgram('mkfs.ext4', { path: '/usr/bin' })).toMatch(/\/sbin\/mkfs\.ext4$/);
  const { stdout } = await run('sh', ['-c', 'command -v mkfs.ext4'], { env: { PATH: '/usr/bin:/bin' } });
  expect(stdout).toMatch(/\/sbin\/mkfs\.ext4$/);
});

test('a relative program is relative to cwd; a script of the own folder is found', async () => {
  await writeFile(join(folder, 'hello'), '#!/bin/sh\necho hello\n', { mode: 0o700 });
  expect((await run('./hello', [], { cwd: folder })).stdout).toBe('hello');
});

test('what the system refuses is a typed error', async () => {
  const missing = await caught(run('true', [], { cwd: join(folder, 'missing') }));
  expect(missing).toBeInstanceOf(ProgramSpawnError);
  expect(missing).toMatchObject({ code: 'PROCESS_SPAWN', errno: 'ENOENT' });
  const tooLong = await caught(run('true', ['x'.repeat(4_000_000)]));
  expect(tooLong).toMatchObject({ code: 'PROCESS_SPAWN', errno: 'E2BIG' });
  const secret = await caught(run('true', ['hunter2', 'x'.repeat(4_000_000)], { secrets: ['hunter2'] }));
  expect(inspect(secret, { depth: 10, showHidden: true })).not.toContain('hunter2');
  expect(isTransientProcessError(tooLong)).toBe(false);
  expect(isTransientProcessError(new ProgramSpawnError('x', 'busy', 'EAGAIN'))).toBe(true);
});

describe('lines', () => {
  test('come in order, with their stream, also to lines$', async () => {
    const seen: string[] = [];
    const running = start('sh', ['-c', 'echo 1; sleep 0.05; echo 2 >&2; sleep 0.05; printf 3'], {
      onLine: (line, stream) => seen.push(`${stream} ${line}`),
    });
    const lines = lastValueFrom(running.lines$.pipe(toArray()));
    const { exit } = await running.closed;
    expect(seen).toEqual(['stdout 1', 'stderr 2', 'stdout 3']);
    expect(await lines).toEqual([
      { stream: 'stdout', line: '1' },
      { stream: 'stderr', line: '2' },
      { stream: 'stdout', line: '3' },
    ]);
    expect(exit).toMatchObject({ code: 0, signal: null });
    expect(exit.at).toBeLessThanOrEqual(performance.now());
  });

  test('UTF-8 that is split over writes stays whole', async () => {
    const script = `printf '\\360\\237'; sleep 0.05; printf '\\230\\200\\n\\303'; sleep 0.05; printf '\\244'`;
    expect((await run('sh', ['-c', script])).stdout).toBe('\u{1f600}\nä');
  });

  test('what onLine throws ends the program and is what run rejects with', async () => {
    const problem = new Error('unexpected line');
    const thrown = await caught(
      run('sh', ['-c', 'echo x; exec sleep 1000'], {
        onLine: () => {
          throw problem;
        },
      }),
    );
    expect(thrown).toBe(problem);
  });
});

describe('limits', () => {
  test('a huge line without a line end comes in pieces, the end is kept, what is dropped is told', async () => {
    const pieces: number[] = [];
    const result = await run('sh', ['-c', 'head -c 20000000 /dev/zero | tr "\\0" x; printf END'], {
      maxOutputBytes: 1000,
      maxLineLength: 65_536,
      onLine: (line) => pieces.push(line.length),
    });
    expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(20_000_003);
    expect(Math.max(...pieces)).toBe(65_536);
    expect(result.stdout).toBe(`${'x'.repeat(997)}END`);
    expect(result.droppedBytes).toEqual({ stdout: 20_000_003 - 1000, stderr: 0 });
  });

  test('too much output is an error if asked', async () => {
    const error = await caught(run('yes', [], { maxOutputBytes: 10_000, overflow: 'error' }));
    expect(error).toBeInstanceOf(OutputTooLongError);
    expect(error).toMatchObject({
      code: 'PROCESS_OUTPUT_TOO_LONG',
      stream: 'stdout',
      maxOutputBytes: 10_000,
    });
  });

  test('endless output needs little memory', { timeout: 300_000 }, async () => {
    let lines = 0;
    const controller = new AbortController();
    const before = process.memoryUsage.rss();
    const running = start('yes', ['a line of some length to be read and thrown away'], {
      signal: controller.signal,
      logFile: '/dev/null',
      onLine: () => {
        lines += 1;
        if (lines === 2_000_000) controller.abort();
      },
    });
    await running.closed;
    expect(lines).toBeGreaterThanOrEqual(2_000_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('the log file', () => {
  test('gets every line, after what it had', async () => {
    const logFile = join(folder, 'log');
    await run('sh', ['-c', 'echo one; printf two'], { logFile });
    await run('sh', ['-c', 'echo three >&2'], { logFile });
    expect(await readFile(logFile, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  test('that cannot be written ends the program with a typed error', async () => {
    for (const logFile of [join(folder, 'missing', 'log'), '/dev/full']) {
      const error = await caught(run('sh', ['-c', 'echo x; exec sleep 1'], { logFile }));
      expect(error).toBeInstanceOf(ProcessLogFileError);
      expect(error).toMatchObject({ code: 'PROCESS_LOG_FILE', path: logFile });
    }
  });
});

describe('secrets', () => {
  const secret = 'hunter2-ä$^';

  test('are masked in lines, results, errors and the log file, also where a write splits them', async () => {
    const logFile = join(folder, 'secret-log');
    const lines: string[] = [];
    const script = `printf 'key=hunt'; sleep 0.05; printf 'er2-\\303'; sleep 0.05; printf '\\244$^ end\\n'; echo "$1" >&2; exit 1`;
    const error = await caught(
      run('sh', ['-c', script, 'sh', secret], {
        secrets: [secret],
        logFile,
        onLine: (line) => lines.push(line),
      }),
    );
    expect(lines).toEqual(['key=[secret] end', '[secret]']);
    const everything = [JSON.stringify(error), String(error), await readFile(logFile, 'utf8')].join('\n');
    expect(everything).not.toContain('hunter2');
    expect(everything).toContain('[secret]');
    const { stdout } = await run('echo', [secret], { secrets: [secret] });
    expect(stdout).toBe('[secret]');
  });
});

test('the log file of a cancelled program is whole', async () => {
  const logFile = join(folder, 'cancelled-log');
  const controller = new AbortController();
  await caught(
    run('sh', ['-c', 'echo first; exec sleep 1000'], {
      logFile,
      signal: controller.signal,
      onLine: () => {
        controller.abort();
      },
    }),
  );
  expect((await stat(logFile)).size).toBe('first\n'.length);
});
