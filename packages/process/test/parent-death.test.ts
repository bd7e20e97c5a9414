import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { describe, expect, test } from 'vitest';

import type { Containment, RunOptions } from '@osforge/process';

import { fourProcesses, oneProcess, openLifeLine, upLines } from './life-line.ts';

const timeout = 180_000;
const asUser = join(import.meta.dirname, '../../../tools/as-user/as-user.sh');
/** Each execs the next, down to Node: the process that is killed is the one that is started. */
const users = { root: ['setpriv', '--'], nobody: [asUser, '65534'] } as const;
type User = keyof typeof users;

function startParent(
  user: User,
  job: { args: string[]; options: RunOptions; dieAfterMs?: number },
): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const [program, ...args] = users[user];
  const child = spawn(
    program,
    [
      ...[...args, process.execPath, '--conditions=@osforge/source'],
      ...[join(import.meta.dirname, 'fixtures/parent.ts'), JSON.stringify(job)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' },
  );
  return child;
}

async function firstLine(parent: { stdout: NodeJS.ReadableStream }): Promise<{ containment: Containment }> {
  for await (const line of createInterface({ input: parent.stdout })) {
    // Written by the fixture in this shape.
    return JSON.parse(line) as { containment: Containment };
  }
  throw new Error('the parent wrote nothing');
}

describe.each(['root', 'nobody'] as const)(
  'as %s, when the parent is killed by SIGKILL (needs root)',
  (user) => {
    test('the program dies', { timeout }, async () => {
      const lifeLine = await openLifeLine();
      const parent = startParent(user, { args: oneProcess(lifeLine.path), options: {} });
      expect((await firstLine(parent)).containment).toEqual({ mechanism: 'parent-death-signal' });
      await lifeLine.up(1);
      parent.kill('SIGKILL');
      await lifeLine.dead;
      await lifeLine.remove();
    });

    const mechanisms =
      user === 'root'
        ? ([undefined, 'pid-namespace', 'reaper'] as const)
        : ([undefined, 'user-pid-namespace', 'reaper'] as const);
    test.each(mechanisms)('the whole tree dies (%s)', { timeout }, async (mechanism) => {
      const lifeLine = await openLifeLine();
      const parent = startParent(user, {
        args: fourProcesses(lifeLine.path),
        options: { lifetime: 'tree', ...(mechanism === undefined ? {} : { mechanism }) },
      });
      const standard = user === 'root' ? 'pid-namespace' : 'reaper';
      const wanted = mechanism ?? standard;
      const { containment } = await firstLine(parent);
      // Some containers and every chroot refuse user namespaces: then another mechanism, with the reason.
      if (containment.mechanism !== wanted) {
        expect(containment).toMatchObject({
          mechanism: 'reaper',
          reason: expect.stringContaining(wanted) as string,
        });
      }
      await lifeLine.up(upLines);
      parent.kill('SIGKILL');
      await lifeLine.dead;
      await lifeLine.remove();
    });
  },
);

function processesWith(token: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(token);
      } catch {
        return false;
      }
    });
}

test.each([
  { lifetime: 'child' },
  { lifetime: 'tree', mechanism: 'pid-namespace' },
  { lifetime: 'tree', mechanism: 'reaper' },
] as const)(
  'nothing is left when the parent dies while the program starts: %o (needs root)',
  // Six parents, one after the other, of which each takes seconds to start on a busy machine.
  { timeout: 5 * timeout },
  async (options) => {
    const token = `osforge-${process.pid}-${performance.now()}`;
    for (const dieAfterMs of [0, 0, 1, 2, 4, 8]) {
      const parent = startParent('root', {
        // Alone it only stops itself: whatever it started would not be covered.
        args: ['-c', options.lifetime === 'child' ? 'kill -STOP $$' : 'sleep 1000 & wait', token],
        options,
        dieAfterMs,
      });
      await once(parent, 'exit');
    }
    await expect.poll(() => processesWith(token), { timeout }).toEqual([]);
  },
);
