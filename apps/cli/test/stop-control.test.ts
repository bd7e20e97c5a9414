import { expect, test, vi } from 'vitest';
import { createStopControl } from '../src/host/stop-control.ts';
import { fakeHost } from './support/fake-host.ts';

function control() {
  const host = fakeHost();
  const notes: string[] = [];
  return { host, notes, stop: createStopControl(host, (text) => notes.push(text)) };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('the first %s asks for a safe point', (signal) => {
  const { host, notes, stop } = control();
  host.send(signal);
  expect(stop.signal.aborted).toBe(true);
  expect(stop.abortNow.aborted).toBe(false);
  expect(notes).toEqual([expect.stringContaining('safe point')]);
  stop.close();
});

test('a second Ctrl-C stops at once, a third ends the process', () => {
  const { host, notes, stop } = control();
  host.send('SIGINT');
  host.clock = 1000;
  host.send('SIGINT');
  expect(stop.abortNow.aborted).toBe(true);
  expect(notes).toHaveLength(2);
  expect(host.exits).toEqual([]);
  host.clock = 2000;
  host.send('SIGINT');
  expect(host.exits).toEqual([130]);
  stop.close();
});

test('one Ctrl-C that npm or Nx pass on again is still one', () => {
  const { host, notes, stop } = control();
  host.send('SIGINT');
  host.clock = 40;
  host.send('SIGINT');
  host.clock = 3000;
  host.send('SIGTERM');
  host.send('SIGHUP');
  expect(stop.abortNow.aborted).toBe(false);
  expect(notes).toHaveLength(1);
  stop.close();
});

test('a Ctrl-C after a SIGTERM stops at once', () => {
  const { host, stop } = control();
  host.send('SIGTERM');
  host.clock = 1000;
  host.send('SIGINT');
  expect(stop.abortNow.aborted).toBe(true);
  stop.close();
});

test('a safe point that does not come is not waited for, and an end that does not come neither', () => {
  vi.useFakeTimers();
  try {
    const { host, notes, stop } = control();
    host.send('SIGINT');
    vi.advanceTimersByTime(3900);
    expect(stop.abortNow.aborted).toBe(false);
    vi.advanceTimersByTime(200);
    expect(stop.abortNow.aborted).toBe(true);
    expect(notes[1]).toContain('did not come to a safe point');
    vi.advanceTimersByTime(6000);
    expect(host.exits).toEqual([130]);
    stop.close();
  } finally {
    vi.useRealTimers();
  }
});

test('after close signals are left alone', () => {
  const { host, notes, stop } = control();
  stop.close();
  host.send('SIGINT');
  expect(stop.signal.aborted).toBe(false);
  expect(notes).toEqual([]);
});
