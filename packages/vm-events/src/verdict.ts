import type { VmEndEvidence } from './evidence.ts';

export type VmVerdictKind =
  'clean' | 'dirty-filesystem' | 'panic' | 'reset' | 'io-error' | 'killed' | 'timeout';

export interface VmVerdict {
  readonly kind: VmVerdictKind;
  /** One sentence for a person. */
  readonly summary: string;
  readonly evidence: VmEndEvidence;
}

/**
 * What the evidence amounts to. Pure. Only a guest that switched itself off, whose QMP connection and process ended as
 * they should and whose file system says so itself is `clean`; missing evidence never is. When several things went
 * wrong, the earlier cause wins: I/O error, panic, reset, time-out, then the rest.
 */
export function decideVerdict(evidence: VmEndEvidence): VmVerdict {
  const verdict = (kind: VmVerdictKind, summary: string): VmVerdict => ({ kind, summary, evidence });
  const { ioError, panic, resetReason, shutdownReason, exit, qmpEof, timedOut, filesystem } = evidence;

  if (ioError !== undefined) {
    const what = ioError.noSpace ? 'the host has no space left' : ioError.reason || 'no reason given';
    return verdict('io-error', `A ${ioError.operation} on disk "${ioError.device}" failed: ${what}.`);
  }
  if (panic !== undefined || shutdownReason === 'guest-panic') {
    return verdict('panic', 'The guest kernel panicked.');
  }
  if (resetReason !== undefined || shutdownReason === 'guest-reset') {
    return verdict('reset', `The guest was reset (${resetReason ?? 'guest-reset'}) instead of powering off.`);
  }
  if (timedOut && shutdownReason === undefined && !qmpEof && exit === undefined) {
    return verdict('timeout', 'The guest did not power off before the deadline.');
  }
  if (shutdownReason === undefined) {
    return verdict('killed', `The machine ended without announcing a shutdown (${ending(evidence)}).`);
  }
  if (shutdownReason !== 'guest-shutdown') {
    return verdict('killed', `The machine was ended from outside (${shutdownReason}).`);
  }
  if (!qmpEof || timedOut || exit?.code !== 0 || exit.signal !== null) {
    return verdict(
      'killed',
      `The guest powered off, but its machine did not end well (${ending(evidence)}).`,
    );
  }
  if (filesystem === 'clean') return verdict('clean', 'The guest powered off; its file system is clean.');
  return verdict(
    'dirty-filesystem',
    filesystem === 'dirty'
      ? 'The guest powered off without unmounting: its file system needs recovery.'
      : 'The guest powered off, but whether its file system is clean is not known.',
  );
}

function ending({ exit, qmpEof, timedOut }: VmEndEvidence): string {
  const process =
    exit === undefined
      ? `process still there${timedOut ? ' at the deadline' : ''}`
      : exit.signal === null
        ? `exit code ${String(exit.code)}`
        : `ended by ${exit.signal}`;
  return `${process}, QMP connection ${qmpEof ? 'closed' : 'not closed'}`;
}
