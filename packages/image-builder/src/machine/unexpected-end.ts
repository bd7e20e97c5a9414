import { BuildConsistencyError, VmVerdictError, type InstallerEvidence } from '../errors.ts';
import type { BuildMachine } from './build-machine.ts';
import type { CommandEnd } from './guest-session.ts';

/** What was going on when a machine ended, for people. */
export interface EndContext {
  /** As "while it booted". */
  readonly during: string;
  /** What a deadline was for, as "its agent did not answer". */
  readonly overdue: string;
  /** Where the recipe sets the deadline, as "vm.timeouts.boot". */
  readonly deadline?: string;
  /** What was being installed. */
  readonly installer?: InstallerEvidence;
}

/** The error for a machine that ended, or kept silent, while something was waited for. */
export async function unexpectedEnd(
  build: BuildMachine,
  end: CommandEnd,
  context: EndContext,
): Promise<VmVerdictError | BuildConsistencyError> {
  const { deadline, during, installer, overdue } = context;
  if (end.kind === 'machine-ended') {
    // A guest that was switched off orderly and one that was not look alike until its disk is read.
    const filesystem =
      end.evidence.shutdownReason === 'guest-shutdown' ? await build.rootFileSystem() : 'unknown';
    const verdict = build.judge({ ...end.evidence, filesystem });
    return new VmVerdictError(verdict, build.evidence(), during, installer);
  }
  if (end.kind !== 'timeout') {
    return new BuildConsistencyError(`the build machine's agent refused something ${during}: ${text(end)}`);
  }
  const set = deadline === undefined ? '' : ` (${deadline} of the recipe)`;
  const verdict = build.judge(
    { qmpEof: false, timedOut: true },
    `${overdue} within ${seconds(end.timeoutMs)}${set}.`,
  );
  // What it shows last is read before it is switched off.
  const evidence = build.evidence();
  await build.machine.kill();
  return new VmVerdictError(verdict, evidence, during, installer);
}

/** How long an error waits to see whether the machine's end is behind it: both come from one broken connection. */
const endShowsMs = 6000;

/** Throws the machine's verdict instead of `error` where the machine ended; else `error` itself. */
export async function throwWithVerdict(
  build: BuildMachine,
  error: unknown,
  context: EndContext,
  signal: AbortSignal,
): Promise<never> {
  if (!signal.aborted) {
    const evidence = await build.machine.waitForEnd({ timeoutMs: endShowsMs, signal });
    if (!evidence.timedOut) throw await unexpectedEnd(build, { kind: 'machine-ended', evidence }, context);
  }
  throw error;
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

function text(end: CommandEnd): string {
  return end.kind === 'failed' ? end.text : end.kind;
}
