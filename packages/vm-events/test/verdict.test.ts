import { describe, expect, test } from 'vitest';
import { decideVerdict, type VmEndEvidence } from '@osforge/vm-events';

const CLEAN: VmEndEvidence = {
  shutdownReason: 'guest-shutdown',
  qmpEof: true,
  exit: { code: 0, signal: null },
  timedOut: false,
  filesystem: 'clean',
};
const ioError = { device: 'disk', operation: 'write', action: 'stop', noSpace: true, reason: 'No space' };

function without(field: keyof VmEndEvidence): VmEndEvidence {
  return Object.fromEntries(Object.entries(CLEAN).filter(([name]) => name !== field)) as VmEndEvidence;
}

describe('decideVerdict', () => {
  test('complete evidence is clean', () => {
    expect(decideVerdict(CLEAN).kind).toBe('clean');
  });

  test.each([
    ['no shutdown announced', without('shutdownReason'), 'killed'],
    ['no exit', without('exit'), 'killed'],
    ['no end of the connection', { ...CLEAN, qmpEof: false }, 'killed'],
    ['deadline passed after the announcement', { ...without('exit'), timedOut: true }, 'killed'],
    ['exit code 1', { ...CLEAN, exit: { code: 1, signal: null } }, 'killed'],
    ['exit by signal', { ...CLEAN, exit: { code: null, signal: 'SIGKILL' } }, 'killed'],
    ['nobody looked at the file system', without('filesystem'), 'dirty-filesystem'],
    ['the file system could not be read', { ...CLEAN, filesystem: 'unknown' }, 'dirty-filesystem'],
    ['the file system needs recovery', { ...CLEAN, filesystem: 'dirty' }, 'dirty-filesystem'],
    ['guest-reset', { ...CLEAN, shutdownReason: 'guest-reset' }, 'reset'],
    ['a reset on the way', { ...CLEAN, resetReason: 'guest-reset' }, 'reset'],
    ['guest-panic', { ...CLEAN, shutdownReason: 'guest-panic' }, 'panic'],
    ['a panic on the way', { ...CLEAN, panic: {} }, 'panic'],
    ['an I/O error on the way', { ...CLEAN, ioError }, 'io-error'],
    ['a panic after an I/O error', { ...CLEAN, ioError, panic: {} }, 'io-error'],
    ['host-signal', { ...CLEAN, shutdownReason: 'host-signal' }, 'killed'],
    ['host-qmp-quit', { ...CLEAN, shutdownReason: 'host-qmp-quit' }, 'killed'],
    ['a reason of a later QEMU', { ...CLEAN, shutdownReason: 'novelty' }, 'killed'],
    ['nothing but the deadline', { qmpEof: false, timedOut: true }, 'timeout'],
    ['the connection lost, then the deadline', { qmpEof: true, timedOut: true }, 'killed'],
    ['nothing at all', { qmpEof: false, timedOut: false }, 'killed'],
  ] as const)('%s: %s', (_name, evidence, kind) => {
    const verdict = decideVerdict(evidence);
    expect(verdict.kind).toBe(kind);
    expect(verdict.summary).toMatch(/\.$/);
    expect(verdict.evidence).toBe(evidence);
  });

  test('of all combinations only the complete one is clean', () => {
    const choices = {
      shutdownReason: [undefined, 'guest-shutdown', 'guest-reset', 'guest-panic', 'host-signal'],
      panic: [undefined, {}],
      resetReason: [undefined, 'guest-reset'],
      ioError: [undefined, ioError],
      qmpEof: [true, false],
      exit: [
        undefined,
        { code: 0, signal: null },
        { code: 1, signal: null },
        { code: null, signal: 'SIGKILL' },
      ],
      timedOut: [true, false],
      filesystem: [undefined, 'clean', 'dirty', 'unknown'],
    };
    let all: Record<string, unknown>[] = [{}];
    for (const [name, values] of Object.entries(choices)) {
      all = all.flatMap((one) =>
        values.map((value: unknown) => (value === undefined ? one : { ...one, [name]: value })),
      );
    }
    // Every combination has the required fields, for their choices are never undefined.
    const clean = all.filter((one) => decideVerdict(one as unknown as VmEndEvidence).kind === 'clean');
    expect(all.length).toBe(5 * 2 * 2 * 2 * 2 * 4 * 2 * 4);
    expect(clean).toEqual([CLEAN]);
  });
});
