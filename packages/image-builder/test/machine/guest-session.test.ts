import type { VmEndEvidence } from '@osforge/vm-events';
import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import type { GuestLine } from '../../src/machine/guest-protocol.ts';
import { GuestSession } from '../../src/machine/guest-session.ts';

const evidence: VmEndEvidence = { qmpEof: true, timedOut: false, shutdownReason: 'guest-panic' };

function fakeMachine(answer: (line: string, lines: Subject<string>) => void = () => undefined) {
  const lines = new Subject<string>();
  const sent: string[] = [];
  let end: (evidence: VmEndEvidence) => void = () => undefined;
  const ended = new Promise<VmEndEvidence>((resolve) => {
    end = resolve;
  });
  const channel = {
    lines$: lines,
    send: (line: string) => {
      sent.push(line);
      answer(line, lines);
      return Promise.resolve();
    },
  };
  return {
    machine: { channel, ended },
    lines,
    sent,
    end: (value: VmEndEvidence) => {
      end(value);
    },
  };
}

const wait = (signal = new AbortController().signal) => ({ timeoutMs: 60_000, signal });

test('an answer that comes while the command is being sent is not missed', async () => {
  const { machine, sent, lines } = fakeMachine((line, out) => {
    out.next(`@ok ${line.split(' ')[0] ?? ''}`);
  });
  await expect(new GuestSession(machine).command('time', '12', wait())).resolves.toEqual({ kind: 'ok' });
  expect(sent).toEqual(['time 12']);
  expect(lines.observed).toBe(false);
});

test("another command's end is not this one's", async () => {
  const { machine, lines } = fakeMachine();
  const end = new GuestSession(machine).command('install', '', wait());
  lines.next('@ok time');
  lines.next('@failed install exit status 1');
  await expect(end).resolves.toEqual({ kind: 'failed', text: 'exit status 1' });
});

test('lines on the way are told in order', async () => {
  const { machine, lines } = fakeMachine();
  const seen: GuestLine['kind'][] = [];
  const end = new GuestSession(machine).command('install', '', {
    ...wait(),
    onLine: (line) => seen.push(line.kind),
  });
  for (const line of ['# a', '@app x install started', '@ok install', '# late']) lines.next(line);
  await end;
  expect(seen).toEqual(['log', 'app', 'ok']);
});

test("the machine's end is an answer too", async () => {
  const { machine, end } = fakeMachine();
  const pending = new GuestSession(machine).command('install', '', wait());
  end(evidence);
  await expect(pending).resolves.toEqual({ kind: 'machine-ended', evidence });
});

test('silence ends at the deadline, which the lines that count put off', async () => {
  const { machine, lines } = fakeMachine();
  const pending = new GuestSession(machine).command('install', '', {
    timeoutMs: 50,
    signal: new AbortController().signal,
    restartsDeadline: (line) => line.kind === 'app',
  });
  lines.next('@app a install started');
  await expect(pending).resolves.toEqual({ kind: 'timeout', timeoutMs: 50 });
  expect(lines.observed).toBe(false);
});

test('an abort ends the wait at once with its reason', async () => {
  const { machine, lines } = fakeMachine();
  const controller = new AbortController();
  const pending = new GuestSession(machine).ready(wait(controller.signal));
  controller.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
  expect(lines.observed).toBe(false);
});

test('secrets are masked in what the guest says, not in the words of the protocol', async () => {
  const { machine, lines } = fakeMachine();
  const seen: GuestLine[] = [];
  const masked = { ...machine, mask: (text: string) => text.replaceAll('install', '***') };
  const end = new GuestSession(masked).command('install', '', {
    ...wait(),
    onLine: (line) => seen.push(line),
  });
  for (const line of ['# my install', '@app install install failed install', '@failed install install'])
    lines.next(line);
  await expect(end).resolves.toEqual({ kind: 'failed', text: '***' });
  expect(seen.slice(0, 2)).toEqual([
    { kind: 'log', text: 'my ***' },
    { kind: 'app', app: 'install', step: 'install', state: 'failed', text: '***' },
  ]);
});
