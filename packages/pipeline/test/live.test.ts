import { expect, test } from 'vitest';
import { LiveResourceExistsError, LiveResourceMissingError } from '../src/errors.ts';
import { LiveResources, liveKey } from '../src/live.ts';

const machine = liveKey<{ pid: number }>('machine');
const socket = liveKey<string>('socket');
const signal = new AbortController().signal;

test('a live resource is there until it is disposed of, and is drained last first', async () => {
  const live = new LiveResources();
  const disposed: string[] = [];
  live.set(machine, { pid: 1 }, () => void disposed.push('machine'));
  live.set(socket, 'path', ({ reason }) => void disposed.push(`socket ${reason}`));
  expect(live.get(machine)?.pid).toBe(1);
  expect(live.require(socket)).toBe('path');
  expect(live.drain().map(({ name }) => name)).toEqual(['socket', 'machine']);
  expect(live.get(machine)).toBeUndefined();

  live.set(socket, 'again', ({ reason }) => void disposed.push(`socket ${reason}`));
  await live.dispose(socket, signal);
  await live.dispose(socket, signal);
  expect(disposed).toEqual(['socket asked']);
});

test('a missing resource and a name that is in use are errors of their own', () => {
  const live = new LiveResources();
  expect(() => live.require(machine)).toThrow(LiveResourceMissingError);
  live.set(machine, { pid: 1 }, () => {});
  expect(() => {
    live.set(machine, { pid: 2 }, () => {});
  }).toThrow(LiveResourceExistsError);
});

test('another key of the same name sees nothing, and takes nothing away', () => {
  const live = new LiveResources();
  const other = liveKey<string>('machine');
  live.set(machine, { pid: 1 }, () => {});
  expect(live.get(other)).toBeUndefined();
  live.release(other);
  expect(live.get(machine)).toEqual({ pid: 1 });
  live.release(machine);
  expect(live.drain()).toEqual([]);
});

test('two runs share a key and not a value', () => {
  const [one, two] = [new LiveResources(), new LiveResources()];
  one.set(socket, 'one', () => {});
  expect(two.get(socket)).toBeUndefined();
});
