import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createResourceTracker, OwnerDisposedError, ResourceLeakError } from '@osforge/perf';

function leakOf(fn: () => void): ResourceLeakError {
  try {
    fn();
  } catch (error) {
    if (error instanceof ResourceLeakError) return error;
    throw error;
  }
  throw new Error('no leak was found');
}

test('names owner, kind, count and details of what is open, and nothing after disposal', () => {
  const tracker = createResourceTracker();
  const emitter = new EventEmitter();
  const daemon = tracker.own('usb-daemon');
  const other = tracker.own('other');
  daemon.listen(emitter, 'change', () => {});
  daemon.listen(emitter, 'change', () => {});
  daemon.setInterval(() => {}, 60_000);
  using timeout = other.setTimeout(() => {}, 60_000);

  const error = leakOf(() => {
    tracker.assertNoLeaks();
  });
  expect(error.code).toBe('PERF_RESOURCE_LEAK');
  expect(error.leaks).toEqual([
    {
      owner: 'usb-daemon',
      kind: 'listener',
      count: 2,
      details: ['change on EventEmitter'],
      openedAt: undefined,
    },
    { owner: 'usb-daemon', kind: 'timer', count: 1, details: ['interval of 60000 ms'], openedAt: undefined },
    { owner: 'other', kind: 'timer', count: 1, details: ['timeout of 60000 ms'], openedAt: undefined },
  ]);
  expect(error.message).toContain('4 resources are still open');
  expect(error.message).toContain('usb-daemon: 2 listeners (change on EventEmitter)');

  daemon.dispose();
  daemon.dispose();
  tracker.assertNoLeaks('usb-daemon');
  expect(emitter.listenerCount('change')).toBe(0);
  expect(tracker.open()).toHaveLength(1);
  timeout[Symbol.dispose]();
  tracker.assertNoLeaks();
  expect(() => daemon.setInterval(() => {}, 1)).toThrow(OwnerDisposedError);
});

test('says where a resource was opened when stacks are on', () => {
  const tracker = createResourceTracker({ stacks: true });
  using owner = tracker.own('owner');
  owner.setTimeout(() => {}, 60_000);
  expect(tracker.open()[0]?.openedAt?.split('\n')[0]).toContain('tracker.test.ts');
});

test('calls listeners with their arguments; each handle removes its own', () => {
  using owner = createResourceTracker().own('owner');
  const emitter = new EventEmitter();
  const seen: number[] = [];
  const listener = (value: number): void => {
    seen.push(value);
  };
  const first = owner.listen(emitter, 'value', listener);
  owner.listen(emitter, 'value', listener);
  emitter.emit('value', 1);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  emitter.emit('value', 2);
  expect(seen).toEqual([1, 1, 2]);
});

test('forgets a timeout that has fired', async () => {
  const tracker = createResourceTracker();
  using owner = tracker.own('owner');
  await new Promise<void>((resolve) => owner.setTimeout(resolve, 1));
  tracker.assertNoLeaks();
});

test('close ends sockets, servers and children and waits for them', async () => {
  const tracker = createResourceTracker();
  const owner = tracker.own('owner');
  const server = owner.server(createServer((socket) => owner.socket(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The address of a TCP server that listens has this form.
  const socket = owner.socket(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
  const child = owner.child(spawn('sleep', ['60']));
  await once(child, 'spawn');
  expect(owner.open.map(({ kind }) => kind).sort()).toEqual(['child', 'server', 'socket', 'socket']);
  expect(owner.open.find(({ kind }) => kind === 'child')?.detail).toBe(`sleep (pid ${child.pid ?? 0})`);

  await owner.close({ timeoutMs: 30_000 });
  expect(child.signalCode).toBe('SIGKILL');
  expect(server.listening).toBe(false);
  expect(socket.closed).toBe(true);
  tracker.assertNoLeaks();
});

test('close names what has not ended by its deadline, and stops at an abort', async () => {
  const tracker = createResourceTracker();
  const owner = tracker.own('owner');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A connection that nobody ends keeps the server from closing.
  const [socket] = await Promise.all([
    // The event of a server has the socket.
    once(server, 'connection') as Promise<[import('node:net').Socket]>,
    once(connect((server.address() as AddressInfo).port, '127.0.0.1'), 'connect'),
  ]).then(([sockets]) => sockets);
  owner.server(server);
  await expect(owner.close({ timeoutMs: 1 })).rejects.toMatchObject({
    leaks: [{ kind: 'server', count: 1 }],
  });
  await expect(owner.close({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  const abort = new AbortController();
  const closing = owner.close({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(closing).rejects.toThrow('enough');
  socket.destroy();
  await owner.close({ timeoutMs: 30_000 });
  tracker.assertNoLeaks();
});

test('forgets a program that could not be started and leaves its error to the caller', async () => {
  const tracker = createResourceTracker();
  using owner = tracker.own('owner');
  const child = owner.child(spawn('/no/such/program'));
  expect(child.listenerCount('error')).toBe(0);
  expect(await once(child, 'error')).toMatchObject([{ code: 'ENOENT' }]);
  tracker.assertNoLeaks();
});

test('ends everything, last first, also when one end throws, and reports what threw', () => {
  const ended: string[] = [];
  const tracker = createResourceTracker();
  const owner = tracker.own('owner');
  owner.add('other', 'first', () => ended.push('first'));
  owner.add('other', 'second', () => {
    throw new Error('stuck');
  });
  owner.add('other', 'third', () => ended.push('third'));
  expect(() => {
    owner.dispose();
  }).toThrow(AggregateError);
  expect(ended).toEqual(['third', 'first']);
  tracker.assertNoLeaks();
});
