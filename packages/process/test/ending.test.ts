import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { ProgramCancelledError, ProgramTimeoutError, run, start } from '@osforge/process';

import { fourProcesses, openLifeLine, upLines } from './life-line.ts';

const timeout = 180_000;

afterEach(() => {
  vi.useRealTimers();
});

/** The clock for deadlines stands still until the program has said its first line, however slow the machine is. */
function passOnFirstLine(ms: number): () => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return () => {
    vi.advanceTimersByTime(ms);
  };
}

/** A zombie still has its name. */
function processesNamed(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
    } catch {
      return false;
    }
  });
}

test('a deadline ends the program and says so', { timeout }, async () => {
  const error = await run('sh', ['-c', 'echo working; exec sleep 1000'], {
    timeoutMs: 300,
    onLine: passOnFirstLine(300),
  }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ProgramTimeoutError);
  expect(error).toMatchObject({
    code: 'PROCESS_TIMEOUT',
    program: 'sh',
    signal: 'SIGTERM',
    timeoutMs: 300,
    lastLines: ['working'],
  });
});

test('a program that ignores SIGTERM is killed', { timeout }, async () => {
  const error = await run('sh', ['-c', 'trap "" TERM; echo deaf; while :; do sleep 1000; done'], {
    timeoutMs: 300,
    killAfterMs: 50,
    lifetime: 'tree',
    onLine: passOnFirstLine(350),
  }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'PROCESS_TIMEOUT', signal: 'SIGKILL' });
});

test('an aborted signal ends the program; the reason is the cause', { timeout }, async () => {
  const controller = new AbortController();
  const reason = new Error('Ctrl-C');
  const error = await run('sh', ['-c', 'echo up; exec sleep 1000'], {
    signal: controller.signal,
    onLine: () => {
      controller.abort(reason);
    },
  }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ProgramCancelledError);
  expect(error).toMatchObject({ code: 'PROCESS_CANCELLED', signal: 'SIGTERM', cause: reason });
});

test('a signal that was aborted before starts nothing', async () => {
  const error = await run('sh', ['-c', 'exit 7'], { signal: AbortSignal.abort('too late') }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'PROCESS_CANCELLED', exitCode: null, cause: 'too late' });
  expect(String(error)).not.toContain('SIGKILL');
});

test('a program that ends in order on SIGTERM still counts as cancelled', { timeout }, async () => {
  const controller = new AbortController();
  const error = await run(
    'sh',
    ['-c', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done'],
    {
      signal: controller.signal,
      onLine: (line) => {
        if (line === 'up') controller.abort();
      },
    },
  ).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'PROCESS_CANCELLED', exitCode: 0, lastLines: ['up', 'bye'] });
});

describe.each(['pid-namespace', 'user-pid-namespace', 'reaper'] as const)(
  'a tree in a %s (needs root)',
  (mechanism) => {
    test('dies as one on abort, also a daemon that ignores SIGTERM', { timeout }, async () => {
      const lifeLine = await openLifeLine();
      const controller = new AbortController();
      const ending = run('sh', fourProcesses(lifeLine.path), {
        lifetime: 'tree',
        mechanism,
        signal: controller.signal,
      }).catch((thrown: unknown) => thrown);
      await lifeLine.up(upLines);
      controller.abort();
      expect(await ending).toMatchObject({ code: 'PROCESS_CANCELLED', signal: 'SIGTERM' });
      await lifeLine.dead;
      await lifeLine.remove();
    });

    test('dies as one when killed', { timeout }, async () => {
      const lifeLine = await openLifeLine();
      const running = start('sh', fourProcesses(lifeLine.path), { lifetime: 'tree', mechanism });
      await lifeLine.up(upLines);
      expect(await running.killTree()).toMatchObject({ code: null, signal: 'SIGKILL' });
      await lifeLine.dead;
      expect(running.kill()).toBe(false);
      await lifeLine.remove();
    });

    test('leaves no daemon behind when the program ends by itself', { timeout }, async () => {
      const lifeLine = await openLifeLine();
      const script = `exec 8>"$1"; (setsid sh -c 'echo up >&8; sleep 1000' &); echo up >&8; read -r _; exit 3`;
      const running = start('sh', ['-c', script, 'sh', lifeLine.path], {
        lifetime: 'tree',
        mechanism,
        input: 'go\n',
      });
      expect(await running.exited).toMatchObject({ code: 3, signal: null });
      await lifeLine.dead;
      await lifeLine.remove();
    });

    test('passes on input, output, exit code and signals', { timeout }, async () => {
      const options = { lifetime: 'tree', mechanism } as const;
      const echoed = await run('sh', ['-c', 'cat; echo problem >&2; exit 5'], {
        ...options,
        input: 'from us\n',
        allowedExitCodes: [5],
      });
      expect(echoed).toMatchObject({ exitCode: 5, stdout: 'from us', stderr: 'problem' });
      await expect(run('sh', ['-c', 'kill -SEGV $$'], options)).rejects.toMatchObject({
        code: 'PROCESS_FAILED',
        signal: 'SIGSEGV',
      });
      const running = start(
        'sh',
        ['-c', 'trap "exit 9" USR1; echo up; while :; do sleep 0.1; done'],
        options,
      );
      running.lines$.subscribe(() => running.kill('SIGUSR1'));
      expect(await running.exited).toMatchObject({ code: 9, signal: null });
    });

    test('reaps orphans', { timeout }, async () => {
      const lifeLine = await openLifeLine();
      const name = `orphan-${Math.floor(Math.random() * 1e6)}`;
      const orphan = `printf ${name} >/proc/self/comm; exec 8>"$1"; echo up >&8; read -r _ <"$1.go"`;
      const script = `mkfifo -m 666 "$1.go"; (sh -c '${orphan}' sh "$1" &); exec sleep 1000`;
      const running = start('sh', ['-c', script, 'sh', lifeLine.path], { lifetime: 'tree', mechanism });
      await lifeLine.up(1);
      expect(processesNamed(name)).toHaveLength(1);
      await writeFile(`${lifeLine.path}.go`, 'go\n');
      await lifeLine.dead;
      await expect.poll(() => processesNamed(name), { timeout: 20_000 }).toEqual([]);
      await running.killTree();
      await lifeLine.remove();
    });
  },
);

test('a tree with a /proc of its own sees only itself (needs root)', async () => {
  const options = { lifetime: 'tree', mechanism: 'pid-namespace', mountProc: true } as const;
  // The shell itself lists them: a process that ends meanwhile is no error.
  const script = 'set -- /proc/[0-9]*; echo "$1 $#"';
  const [first, count] = (await run('sh', ['-c', script], options)).stdout.split(' ');
  expect(first).toBe('/proc/1');
  expect(Number(count)).toBeLessThanOrEqual(3);
  expect(Number((await run('sh', ['-c', script])).stdout.split(' ')[1])).toBeGreaterThan(3);
});

test('output that a daemon holds open does not hold up the result', { timeout }, async () => {
  const lifeLine = await openLifeLine();
  // The program waits until the daemon has said who it is: what it holds open comes after that.
  const daemonScript = 'echo $$; echo >"$1.told"; exec sleep 1000';
  const script = `exec 8>"$1"; mkfifo "$1.told"; (setsid sh -c '${daemonScript}' sh "$1" &); read -r _ <"$1.told"; echo done`;
  const result = await run('sh', ['-c', script, 'sh', lifeLine.path], { drainTimeoutMs: 300 });
  expect(result).toMatchObject({ exitCode: 0, outputComplete: false });
  const daemon = result.stdout.split('\n').find((line) => /^\d+$/.test(line));
  process.kill(Number(daemon), 'SIGKILL');
  await lifeLine.dead;
  await lifeLine.remove();
});
