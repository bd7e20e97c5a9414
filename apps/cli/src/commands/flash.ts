import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type {
  FlashEvents,
  FlashPlan,
  FlashRunResult,
  PlannedTarget,
  RunFlashOptions,
} from '@osforge/flasher';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { UsageError } from '../errors/usage-error.ts';
import { confirmTargets } from '../flash/confirm-targets.ts';
import { type FlashReporter, flashReporter } from '../flash/flash-reporter.ts';
import { refusalLines } from '../flash/refusal.ts';
import { resumeCommand } from '../flash/resume-command.ts';
import { readSigningKeyOf } from '../flash/signing-key.ts';
import type { Host } from '../host/host.ts';
import { createStopControl } from '../host/stop-control.ts';
import { openEventsFile } from '../report/events-file.ts';
import { cleanLine, cleanLines } from '../text/clean-text.ts';
import { canAsk } from './ask.ts';
import { namedImage } from './named-image.ts';
import { prepareFolder } from './out-directory.ts';

export interface FlashFlags {
  readonly to?: readonly string[];
  readonly list?: true;
  readonly yes?: true;
  readonly skipRefused?: true;
  readonly allowPartition?: true;
  readonly probe?: true;
  /** False for `--no-verify`. */
  readonly verify: boolean;
  /** False for `--no-discard`. */
  readonly discard: boolean;
  readonly sha256?: string;
  readonly bmap?: string;
  readonly receipts?: string;
  readonly sign?: string;
  readonly journal?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly events?: string;
}

/** Writes an image on targets, or lists what there is to write to. */
export async function flash(image: string | undefined, flags: FlashFlags, host: Host): Promise<ExitCode> {
  if (flags.list) {
    if (image !== undefined || flags.to !== undefined)
      throw new UsageError('--list writes nothing: leave the image and --to out');
    return (await import('./flash-list.ts')).flashList(flags, host);
  }
  const targets = checkFlags(image, flags, host);
  const file = await namedImage(image ?? '', host.cwd);
  const bmapPath = flags.bmap === undefined ? undefined : await namedImage(flags.bmap, host.cwd);
  const { planFlash } = await import('@osforge/flasher');
  const plan = await planFlash({
    image: { path: file, bmapPath, sha256: flags.sha256 },
    targets: targets.map((target) => path.resolve(host.cwd, target)),
    allowPartition: flags.allowPartition,
  });
  const chosen = await accepted(withIds(plan, targets), flags, host);
  const receipts = await prepareReceipts(flags, host);
  const journalFolder = await prepareJournal(flags, host);
  if (!flags.yes) {
    const asked = chosen.targets.filter(({ exists }) => exists).map(({ confirmation }) => confirmation);
    if (!(await confirmTargets(asked))) {
      host.stderr.write('Cancelled; nothing was written.\n');
      return exitCode.cancelled;
    }
  }
  const skipped = plan.targets.length - chosen.targets.length;
  const code = await write(
    image ?? '',
    chosen,
    { ...runOptions(flags), receipts, journalFolder },
    flags,
    host,
  );
  return code === exitCode.done && skipped > 0 ? exitCode.failed : code;
}

/** @throws UsageError */
function checkFlags(image: string | undefined, flags: FlashFlags, host: Host): readonly string[] {
  const { to = [], sha256, sign, receipts, yes } = flags;
  if (image === undefined)
    throw new UsageError('no image is named; give it before --to: osforge flash IMAGE --to TARGET...');
  if (to.length === 0)
    throw new UsageError('no target is named; add --to TARGET..., "osforge flash --list" shows the disks');
  if (to.includes('')) throw new UsageError('the name of a target is empty; name a disk or a file');
  if (sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(sha256))
    throw new UsageError('--sha256 needs the 64 hexadecimal digits of a SHA-256');
  if (sign !== undefined && receipts === undefined)
    throw new UsageError('--sign signs receipts; add --receipts DIR');
  if (!yes && !canAsk(host))
    throw new UsageError(
      'without a terminal nobody can confirm what is overwritten; look at the targets and add --yes',
    );
  return to;
}

/** The targets by the names that they were given on the command line. */
function withIds(plan: FlashPlan, named: readonly string[]): FlashPlan {
  const seen = new Set<string>();
  return {
    ...plan,
    targets: plan.targets.map((target, index) => {
      const id = named[index] ?? target.id;
      // The same name twice is refused as a double; until then each needs its own.
      const own = seen.has(id) ? `${id} (again)` : id;
      seen.add(own);
      return { ...target, id: own };
    }),
  };
}

/**
 * The plan without what is refused.
 * @throws UsageError unless that is wanted, with all reasons: nothing was written
 */
async function accepted(plan: FlashPlan, flags: FlashFlags, host: Host): Promise<FlashPlan> {
  const { remedyOf } = await import('@osforge/flasher');
  const isGood = ({ problems }: PlannedTarget): boolean => problems.length === 0;
  const refused = plan.targets.filter((target) => !isGood(target));
  if (!flags.quiet)
    for (const remark of plan.image.remarks) host.stderr.write(`note: ${cleanLine(remark)}\n`);
  if (refused.length === 0) return plan;
  const lines = refusalLines(refused, remedyOf);
  const good = plan.targets.filter(isGood);
  if (!flags.skipRefused || good.length === 0) {
    const [only = ''] = lines;
    if (plan.targets.length === 1) throw new UsageError(`${only}\nNothing was written.`);
    const others = good.length > 0 ? ' --skip-refused leaves these out.' : '';
    throw new UsageError(
      `${refused.length} of ${plan.targets.length} targets are refused:\n${lines.map((line) => `  ${line}`).join('\n')}\nNothing was written.${others}`,
    );
  }
  for (const line of lines) host.stderr.write(`skipped: ${line}\n`);
  return { ...plan, targets: good };
}

async function prepareReceipts(
  { receipts, sign }: FlashFlags,
  host: Host,
): Promise<RunFlashOptions['receipts']> {
  if (receipts === undefined) return undefined;
  const folder = await prepareFolder('--receipts', receipts, host.cwd);
  if (sign === undefined) return { folder };
  return { folder, privateKey: await readSigningKeyOf(sign, host) };
}

/** That of the user, where no other is given; where it cannot be made, an interrupted flash begins again. */
async function prepareJournal({ journal }: FlashFlags, host: Host): Promise<string | undefined> {
  if (journal !== undefined) return prepareFolder('--journal', journal, host.cwd);
  const { defaultJournalFolder } = await import('@osforge/flasher');
  const folder = defaultJournalFolder(host.env);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await prepareFolder('--journal', folder, host.cwd);
  } catch {
    host.stderr.write(`note: ${folder} cannot be written: if this is interrupted, it begins again\n`);
    return undefined;
  }
}

function runOptions({ verify, discard, allowPartition, probe }: FlashFlags): RunFlashOptions {
  return { verify, discard, allowPartition, probe };
}

async function write(
  image: string,
  plan: FlashPlan,
  options: RunFlashOptions,
  flags: FlashFlags,
  host: Host,
): Promise<ExitCode> {
  const { runFlash } = await import('@osforge/flasher');
  const { createEventBus } = await import('@osforge/event-bus');
  const reporter = await flashReporter(plan.image.source.path, flags, host);
  const events =
    flags.events === undefined
      ? undefined
      : await openEventsFile(flags.events, reporter.note, 'the flash goes on');
  const stop = createStopControl(host, reporter.note);
  stop.abortNow.addEventListener('abort', () => {
    // A device that hangs in the kernel: the process that writes ends with this one.
    host.exit(exitCode.cancelled);
  });
  const forget = tellWhenBroken(reporter, host);
  const bus = createEventBus<FlashEvents>();
  let result: FlashRunResult | undefined;
  try {
    const run = runFlash(plan, { ...options, signal: stop.signal });
    // Both end with the flash.
    bus.events$.subscribe((event) => {
      events?.event(event);
      reporter.event(event);
    });
    run.events$.subscribe(({ type, data }) => bus.publish('flash', type, data));
    result = await run.result;
  } finally {
    stop.close();
    forget();
    bus.close();
    reporter.end(result);
    await events?.close();
  }
  return conclude(image, result, flags, host);
}

/** The flash does not stop because nobody reads on: half a stick is of no use. */
function tellWhenBroken(reporter: FlashReporter, host: Host): () => void {
  return host.stdout.onBroken(({ message }) => {
    reporter.note(
      `Standard output cannot be written any more (${message}). The flash goes on; end it with kill -INT ${process.pid}`,
    );
  });
}

/** The same command would fail again: a target that lies about its capacity, and an image that is damaged or another. */
const hopeless: ReadonlySet<string> = new Set(['FLASHER_CAPACITY', 'FLASHER_SOURCE']);

function conclude(image: string, result: FlashRunResult, flags: FlashFlags, host: Host): ExitCode {
  const { targets, outcome, error } = result;
  if (outcome === 'completed') return exitCode.done;
  const complete = targets.filter(({ ok }) => ok).map(({ id }) => id);
  const open = targets.filter((one) => !one.ok && !hopeless.has(one.error.code)).map(({ id }) => id);
  if (outcome === 'failed') {
    if (error !== undefined) host.stderr.write(`error: ${cleanLines(error.message)}\n`);
    else
      for (const target of targets)
        if (!target.ok)
          host.stderr.write(`error: ${cleanLine(target.id)}: ${cleanLines(target.error.message)}\n`);
  }
  const done = complete.length === 0 ? '' : ` (${complete.map(cleanLine).join(', ')})`;
  const goOn =
    open.length === 0
      ? ''
      : ` To go on with the others where they were:\n  ${resumeCommand(image, open, flags, host.env)}`;
  host.stderr.write(
    `${outcome === 'cancelled' ? 'Cancelled. ' : ''}${complete.length} of ${targets.length} targets ${complete.length === 1 ? 'is' : 'are'} complete${done}.${goOn}\n`,
  );
  return outcome === 'cancelled' ? exitCode.cancelled : exitCode.failed;
}
