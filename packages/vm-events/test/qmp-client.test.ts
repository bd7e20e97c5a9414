import { Buffer } from 'node:buffer';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  connectQmp,
  isTransientVmEventsError,
  QmpAbortedError,
  QmpCommandError,
  QmpConnectionError,
  QmpLineTooLongError,
  QmpProtocolError,
  QmpTimeoutError,
  type QmpClient,
} from '@osforge/vm-events';
import { GREETING, openFakePeer, type FakePeer, type FakePeerOptions } from './support/fake-peer.ts';

const open: { peer?: FakePeer; qmp?: QmpClient } = {};
afterEach(async () => {
  open.qmp?.close();
  await open.peer?.dispose();
  delete open.qmp;
  delete open.peer;
});

async function connected(options: FakePeerOptions = {}): Promise<{ peer: FakePeer; qmp: QmpClient }> {
  const peer = await openFakePeer(options);
  open.peer = peer;
  const qmp = await connectQmp({ path: peer.path });
  open.qmp = qmp;
  return { peer, qmp };
}

describe('setting up', () => {
  test('greeting and capabilities', async () => {
    const { qmp } = await connected();
    expect(qmp.greeting).toEqual({ version: '7.2.22', package: 'Debian', capabilities: ['oob'] });
  });

  test('an event in the very chunk of the set-up is not lost', async () => {
    const { qmp } = await connected({
      answer: ({ id }) => ({ return: {}, id, note: '' }),
      greeting: `${GREETING}\n{"event":"SHUTDOWN","data":{"reason":"guest-panic"}}\n`,
    });
    expect(await firstValueFrom(qmp.history$)).toMatchObject({ event: 'SHUTDOWN' });
  });

  test('a peer that is silent, gone, refusing or no QMP is told apart', async () => {
    const silent = await openFakePeer({ greeting: '' });
    await expect(connectQmp({ path: silent.path, timeoutMs: 30 })).rejects.toBeInstanceOf(QmpTimeoutError);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(connectQmp({ path: silent.path, signal })).rejects.toBeInstanceOf(QmpAbortedError);
    await silent.dispose();
    await expect(connectQmp({ path: silent.path })).rejects.toBeInstanceOf(QmpConnectionError);
    const refusing = await openFakePeer({
      answer: ({ id }) => ({ error: { class: 'GenericError', desc: 'no' }, id }),
    });
    await expect(connectQmp({ path: refusing.path })).rejects.toBeInstanceOf(QmpCommandError);
    await refusing.dispose();
    const other = await openFakePeer({ greeting: 'SSH-2.0-OpenSSH_9.2\r\n' });
    await expect(connectQmp({ path: other.path })).rejects.toMatchObject({
      code: 'VM_EVENTS_QMP_PROTOCOL',
      excerpt: 'SSH-2.0-OpenSSH_9.2',
    });
    await other.dispose();
  });
});

describe('lines', () => {
  test('torn anywhere, also inside a character', async () => {
    const { peer, qmp } = await connected();
    const seen = firstValueFrom(qmp.events$);
    const bytes = Buffer.from('{"event":"NAME","data":{"text":"größe €"}}\r\n');
    for (const byte of bytes) {
      await new Promise((resolve) => peer.socket?.write(Buffer.of(byte), resolve));
    }
    expect((await seen).data).toEqual({ text: 'größe €' });
  });

  test('merged: events, replies and blank lines in one chunk', async () => {
    const { peer, qmp } = await connected();
    const events = firstValueFrom(qmp.events$.pipe(take(2), toArray()));
    const one = qmp.execute('one');
    const two = qmp.execute('two');
    const first = await peer.command();
    const second = await peer.command();
    peer.raw(
      `{"event":"A"}\n\n  \n{"return":2,"id":${second.id}}\r\n{"event":"B","timestamp":{"seconds":1,"microseconds":2000}}\n{"return":1,"id":${first.id}}\n`,
    );
    expect(await Promise.all([one, two])).toEqual([1, 2]);
    expect(await events).toEqual([
      { event: 'A', data: {}, timeMs: undefined },
      { event: 'B', data: {}, timeMs: 1002 },
    ]);
  });

  test('a half line at the end is dropped', async () => {
    const { peer, qmp } = await connected();
    const events = lastValueFrom(qmp.events$.pipe(toArray()));
    peer.raw('{"event":"A"}\n{"event":"SHUTD');
    peer.end();
    expect((await events).map(({ event }) => event)).toEqual(['A']);
    expect(await qmp.ended).toEqual({ reason: 'eof' });
  });

  test('garbage ends the connection, because what it was is not known', async () => {
    for (const garbage of ['\u0000\u00ff\u001b[2J\n', '[1,2]\n', '"SHUTDOWN"\n', '{"event":"SHUT\n']) {
      const { peer, qmp } = await connected();
      const pending = qmp.execute('query-status').catch((error: unknown) => error);
      await peer.command();
      peer.raw(garbage);
      expect((await qmp.ended).error).toBeInstanceOf(QmpProtocolError);
      expect(await pending).toBeInstanceOf(QmpProtocolError);
      await peer.dispose();
    }
  });

  test('a message of an unknown shape is passed over', async () => {
    const { peer, qmp } = await connected();
    const seen = firstValueFrom(qmp.events$);
    peer.raw('{"novelty":1}\n{"return":{},"id":"not ours"}\n{"event":"A"}\n');
    expect((await seen).event).toBe('A');
  });

  test('a hostile line of 64 MiB is refused and not kept', { timeout: 300_000 }, async () => {
    const { peer, qmp } = await connected();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const { socket } = peer;
    const write = (bytes: string | Buffer): Promise<void> =>
      new Promise((resolve) => {
        // The error of a connection that was ended is what the test is about.
        if (socket?.destroyed === false) {
          socket.write(bytes, () => {
            resolve();
          });
        } else resolve();
      });
    await write('{"event":"');
    for (let sent = 0; sent < 64; sent += 1) {
      await write(chunk);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    const end = await qmp.ended;
    expect(end.error).toBeInstanceOf(QmpLineTooLongError);
    expect(end.error).toMatchObject({ code: 'VM_EVENTS_QMP_LINE_TOO_LONG', maxLineBytes: 16 * 1024 * 1024 });
    expect(String(end.error).length).toBeLessThan(500);
    // The limit, plus what lies in transit.
    expect(most).toBeLessThan(48 * 1024 * 1024);
    await expect(qmp.execute('query-status')).rejects.toBeInstanceOf(QmpLineTooLongError);
  });

  test('a line just below the limit passes', async () => {
    const peer = await openFakePeer();
    open.peer = peer;
    const qmp = await connectQmp({ path: peer.path, maxLineBytes: 1000 });
    open.qmp = qmp;
    const line = JSON.stringify({ event: 'A', data: { text: '' } });
    const seen = firstValueFrom(qmp.events$);
    peer.raw(`${JSON.stringify({ event: 'A', data: { text: 'x'.repeat(1000 - line.length) } })}\n`);
    expect((await seen).event).toBe('A');
    peer.raw(`${JSON.stringify({ event: 'A', data: { text: 'x'.repeat(1001 - line.length) } })}\n`);
    expect((await qmp.ended).error).toBeInstanceOf(QmpLineTooLongError);
  });
});

describe('commands', () => {
  test('an error reply carries class, text and command', async () => {
    const { peer, qmp } = await connected();
    const refused = qmp.execute('device_del', { id: 'x' }).catch((error: unknown) => error);
    const { id, arguments: args } = await peer.command();
    expect(args).toEqual({ id: 'x' });
    peer.send({ error: { class: 'DeviceNotFound', desc: "Device 'x' not found" }, id });
    const error = await refused;
    expect(error).toBeInstanceOf(QmpCommandError);
    expect(error).toMatchObject({
      class: 'DeviceNotFound',
      desc: "Device 'x' not found",
      command: 'device_del',
    });
    expect(isTransientVmEventsError(error)).toBe(false);
  });

  test('a late reply is dropped and does not reach another command', async () => {
    const { peer, qmp } = await connected();
    await expect(qmp.execute('slow', {}, { timeoutMs: 20 })).rejects.toBeInstanceOf(QmpTimeoutError);
    const slow = await peer.command();
    const next = qmp.execute('next');
    const { id } = await peer.command();
    peer.send({ return: 'late', id: slow.id });
    peer.send({ return: 'right', id });
    expect(await next).toBe('right');
  });

  test('a signal ends the wait, before and during', async () => {
    const { qmp } = await connected();
    const stop = new AbortController();
    const waiting = qmp.execute('slow', {}, { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toBeInstanceOf(QmpAbortedError);
    await expect(qmp.execute('slow', {}, { signal: stop.signal })).rejects.toBeInstanceOf(QmpAbortedError);
  });

  test('a lost connection rejects what waits and what comes after', async () => {
    const { peer, qmp } = await connected();
    const waiting = qmp.execute('query-status').catch((error: unknown) => error);
    await peer.command();
    peer.destroy();
    const error = await waiting;
    expect(error).toBeInstanceOf(QmpConnectionError);
    expect(isTransientVmEventsError(error)).toBe(true);
    expect((await qmp.ended).reason).toBe('eof');
    await expect(qmp.execute('query-status')).rejects.toBeInstanceOf(QmpConnectionError);
  });

  test('an error without an id means that nothing can be matched any more', async () => {
    const { peer, qmp } = await connected();
    peer.send({ error: { class: 'GenericError', desc: 'JSON parse error' } });
    expect((await qmp.ended).error).toBeInstanceOf(QmpProtocolError);
  });

  test('closing is told as such', async () => {
    const { qmp } = await connected();
    qmp.close();
    qmp.close();
    expect(await qmp.ended).toEqual({ reason: 'closed' });
  });
});
