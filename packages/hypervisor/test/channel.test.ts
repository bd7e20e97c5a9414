import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MachineGoneError, MachineSpecError } from '../src/errors.ts';
import { guestChannel } from '../src/guest-channel.ts';
import { listenOnce } from '../src/listen-once.ts';
import { openBench } from './support/guest-image.ts';

let folder: string;
let guest: Socket;
let host: Socket;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'osforge-channel-'));
  const listening = await listenOnce(join(folder, 's'));
  guest = connect(listening.path);
  [host] = await Promise.all([listening.connected, once(guest, 'connect')]);
});
afterEach(async () => {
  guest.destroy();
  host.destroy();
  await rm(folder, { recursive: true, force: true });
});

test('lines in both directions, torn and merged, in UTF-8', async () => {
  const channel = guestChannel('agent', host);
  const lines = firstValueFrom(channel.lines$.pipe(take(3), toArray()));
  const euro = Buffer.from('three €\n');
  guest.write('one\r\ntwo\n');
  guest.write(euro.subarray(0, 8));
  guest.write(euro.subarray(8));
  expect(await lines).toEqual(['one', 'two', 'three €']);
  const heard = once(createInterface(guest), 'line');
  await channel.send('{"go":true}');
  expect(await heard).toEqual(['{"go":true}']);
  await expect(channel.send('a\nb')).rejects.toBeInstanceOf(TypeError);
});

test('what came before the first subscriber is kept for it', async () => {
  const channel = guestChannel('agent', host);
  const arrived = once(host, 'data');
  guest.write('early\n');
  await arrived;
  const seen = lastValueFrom(channel.lines$.pipe(toArray()));
  guest.end('late\n');
  expect(await seen).toEqual(['early', 'late']);
  await expect(channel.send('too late')).rejects.toBeInstanceOf(MachineGoneError);
});

test('what is sent into a closing connection is refused and does not cost the guest’s last words', async () => {
  const channel = guestChannel('agent', host);
  const seen = lastValueFrom(channel.lines$.pipe(toArray()));
  // All in one turn: the guest's words lie unread when ours find the connection closed.
  guest.write('succeeded\n');
  guest.destroy();
  await expect(channel.send('go on')).rejects.toBeInstanceOf(MachineGoneError);
  expect(await seen).toEqual(['succeeded']);
});

test('an endless line comes in pieces', async () => {
  const channel = guestChannel('agent', host);
  const first = firstValueFrom(channel.lines$);
  guest.write(Buffer.alloc(3 * 1024 * 1024, 'x'));
  expect((await first).length).toBe(1024 * 1024);
});

test('a real machine has its ports connected before it starts', { timeout: 300_000 }, async () => {
  const bench = await openBench();
  try {
    const machine = await bench.create(await bench.spec('h', { channels: ['org.osforge.agent', 'second'] }));
    expect(machine.channel('second').name).toBe('second');
    expect(() => machine.channel('third')).toThrow(MachineSpecError);
    // An unconnected character device shows as "disconnected:…".
    const devices = (await machine.qmp.execute('query-chardev')) as { label: string; filename: string }[];
    const ports = devices.filter(({ label }) => label.startsWith('channel'));
    expect(ports).toHaveLength(2);
    for (const { filename } of ports) expect(filename).not.toContain('disconnected');
  } finally {
    await bench.dispose();
  }
});
