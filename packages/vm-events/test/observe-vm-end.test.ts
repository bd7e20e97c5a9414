import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  connectQmp,
  decideVerdict,
  observeVmEnd,
  VmWaitAbortedError,
  type ProcessEnd,
  type QmpClient,
} from '@osforge/vm-events';
import { openFakePeer, type FakePeer } from './support/fake-peer.ts';

let peer: FakePeer;
let qmp: QmpClient;
let exit: (end: ProcessEnd) => void;
let exited: Promise<ProcessEnd>;
beforeEach(async () => {
  peer = await openFakePeer();
  qmp = await connectQmp({ path: peer.path });
  exited = new Promise((resolve) => (exit = resolve));
});
afterEach(async () => {
  qmp.close();
  await peer.dispose();
});

const OK: ProcessEnd = { code: 0, signal: null };

/** Resolves when the client has handled all that the peer sent before. */
async function roundTrip(): Promise<void> {
  const done = qmp.execute('query-status');
  peer.send({ return: {}, id: (await peer.command()).id });
  await done;
}

describe('the end of a machine', () => {
  test('SHUTDOWN, EOF and exit, in any order of the last two', async () => {
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    exit(OK);
    peer.end();
    const evidence = await observeVmEnd({ qmp, exited });
    expect(evidence).toEqual({
      shutdownReason: 'guest-shutdown',
      shutdownAtMs: 1_700_000_000_000.5,
      qmpEof: true,
      exit: OK,
      timedOut: false,
    });
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('clean');
  });

  test('SHUTDOWN without EOF: the process is gone, its connection is not', async () => {
    const end = observeVmEnd({ qmp, exited, settleMs: 50 });
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    await roundTrip();
    exit(OK);
    const evidence = await end;
    expect(evidence).toMatchObject({ shutdownReason: 'guest-shutdown', qmpEof: false });
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('killed');
  });

  test('SHUTDOWN without EOF and without exit runs into the deadline', async () => {
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    await roundTrip();
    const evidence = await observeVmEnd({ qmp, exited, timeoutMs: 50 });
    expect(evidence).toMatchObject({ qmpEof: false, timedOut: true });
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('killed');
  });

  test('EOF without SHUTDOWN', async () => {
    peer.end();
    exit(OK);
    const evidence = await observeVmEnd({ qmp, exited });
    expect(evidence).toEqual({ qmpEof: true, exit: OK, timedOut: false });
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('killed');
  });

  test('a command that is sent into the closing connection does not cost the SHUTDOWN before it', async () => {
    // All in one turn: QEMU's last words lie unread when our command finds the connection closed.
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    peer.destroy();
    const refused = qmp.execute('query-status').catch((error: unknown) => error);
    exit(OK);
    const evidence = await observeVmEnd({ qmp, exited });
    expect(evidence).toMatchObject({ shutdownReason: 'guest-shutdown', qmpEof: true });
    expect(await refused).toMatchObject({ code: 'VM_EVENTS_QMP_CONNECTION' });
  });

  test('RESET in the middle of an install, though the guest powers off in the end', async () => {
    peer.event('RESET', { guest: true, reason: 'guest-reset' });
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    peer.end();
    exit(OK);
    const evidence = await observeVmEnd({ qmp, exited });
    expect(evidence.resetReason).toBe('guest-reset');
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('reset');
  });

  test('garbage after SHUTDOWN: what it hid is not known', async () => {
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-shutdown' });
    peer.raw('\u0001\u0002 garbage\n');
    exit(OK);
    const evidence = await observeVmEnd({ qmp, exited });
    expect(evidence.qmpEof).toBe(false);
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('killed');
  });

  test('a panic is kept with what QEMU knows of it', async () => {
    const end = observeVmEnd({ qmp, exited });
    peer.event('GUEST_PANICKED', { action: 'poweroff', info: { type: 'hyper-v', arg1: 1 } });
    peer.event('SHUTDOWN', { guest: true, reason: 'guest-panic' });
    peer.end();
    exit(OK);
    expect((await end).panic).toEqual({ type: 'hyper-v', arg1: 1 });
    expect(decideVerdict(await end).kind).toBe('panic');
  });

  test('an I/O error that pauses the guest ends the wait; one that is reported does not', async () => {
    const data = { device: '', 'node-name': 'disk', operation: 'write', nospace: true, reason: 'No space' };
    peer.event('BLOCK_IO_ERROR', { ...data, action: 'report' });
    await roundTrip();
    const early = await observeVmEnd({ qmp, exited, timeoutMs: 30 });
    expect(early).toMatchObject({ timedOut: true, ioError: { device: 'disk', action: 'report' } });
    const end = observeVmEnd({ qmp, exited });
    peer.event('BLOCK_IO_ERROR', { ...data, action: 'stop' });
    expect(decideVerdict(await end)).toMatchObject({ kind: 'io-error' });
    expect((await end).ioError).toMatchObject({ action: 'stop', noSpace: true });
  });

  test('a signal ends the wait', async () => {
    const stop = new AbortController();
    const end = observeVmEnd({ qmp, exited, signal: stop.signal });
    stop.abort();
    await expect(end).rejects.toBeInstanceOf(VmWaitAbortedError);
  });
});
