import path from 'node:path';
import type { BuildRecord, PhaseRecord } from '@osforge/checkpoint';
import { listTargets, type PlannedTarget, planTargets, remedyOf } from '@osforge/flasher';
import type { PhasePlan } from '@osforge/pipeline';
import type { BuildEnvironment, UsbChoice } from '../build/environment.ts';
import { PreflightError, type PreflightCheck } from '../errors.ts';
import type { Recipe, UsbSettings } from '../recipe/recipe.ts';
import { UsbDeclinedError, UsbNotConfirmedError } from './errors.ts';
import { isComplete, receiptFolder, receiptNamesOf } from './receipts.ts';
import { writtenArtifact } from './written-image.ts';

/** What somebody is asked before a build writes to targets. */
export interface UsbQuestion {
  readonly targets: readonly PlannedTarget['confirmation'][];
  readonly signal: AbortSignal;
}

export interface ChooseOptions {
  readonly plan: readonly PhasePlan[];
  readonly record: Pick<BuildRecord, 'phases'>;
  readonly fresh: boolean;
  readonly confirm: ((question: UsbQuestion) => Promise<boolean> | boolean) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Finds the targets of the phase `usb` and has them confirmed, before anything runs: nobody should come back to a build
 * that has waited for an answer, nor to another disk under the same name. Undefined where the phase does not run.
 * @throws PreflightError, UsbNotConfirmedError, UsbDeclinedError
 */
export async function chooseUsbTargets(
  environment: BuildEnvironment,
  options: ChooseOptions,
): Promise<UsbChoice | undefined> {
  const { recipe } = environment;
  const { usb } = recipe;
  const { plan, fresh, confirm, signal } = options;
  if (usb === false || plan.find(({ name }) => name === 'usb')?.action !== 'run') return undefined;
  const targets = await findTargets(usb, recipe);
  const complete = fresh ? new Set<string>() : await completeTargets(environment, usb, targets, options);
  const open = targets.filter(({ id }) => !complete.has(id));
  const checks = open.flatMap(failedCheck);
  if (checks.length > 0) throw new PreflightError(checks);
  if (open.length > 0) {
    if (confirm === undefined) throw new UsbNotConfirmedError(open.map(({ id }) => id));
    const asked = open.filter(({ exists }) => exists).map(({ confirmation }) => confirmation);
    if (asked.length > 0 && !(await confirm({ targets: asked, signal }))) throw new UsbDeclinedError();
  }
  return { targets, fresh };
}

async function findTargets(usb: UsbSettings, { disk }: Recipe): Promise<PlannedTarget[]> {
  const disks = usb.serials.length === 0 ? [] : await listTargets();
  const places = usb.serials.map((serial) => {
    const found = disks.filter(({ identity }) => identity.serial === serial);
    const [one] = found;
    // A path that cannot be: the problem is said of it.
    return found.length === 1 && one !== undefined
      ? one.identity.path
      : `/dev/osforge-no-such-disk/${serial}`;
  });
  const planned = await planTargets([...usb.targets, ...places], {
    imagePath: undefined,
    // That of a medium is known when it is made.
    imageSizeBytes: usb.write === 'image' ? disk.sizeBytes : undefined,
    imageSectorBytes: disk.sectorSize,
  });
  return planned.map((target, index) => {
    const serial = usb.serials[index - usb.targets.length];
    if (serial === undefined) return target;
    const count = disks.filter(({ identity }) => identity.serial === serial).length;
    if (count === 1) return { ...target, id: serial };
    const detail =
      count === 0
        ? `no disk has the serial number ${serial}`
        : `${count} disks have the serial number ${serial}`;
    return { ...target, id: serial, problems: [{ kind: 'missing', detail }] };
  });
}

/** By the receipts of an earlier run, where it is known already what is to be written. */
async function completeTargets(
  { recipe, layout }: BuildEnvironment,
  usb: UsbSettings,
  targets: readonly PlannedTarget[],
  { plan, record }: ChooseOptions,
): Promise<Set<string>> {
  const made = usb.write === 'media' ? 'media' : 'capture';
  const upstream: PhaseRecord | undefined = record.phases[made];
  const isMade = plan.find(({ name }) => name === made)?.action === 'reuse';
  const image = isMade && upstream !== undefined ? writtenArtifact(recipe, usb, upstream) : undefined;
  const complete = new Set<string>();
  if (image === undefined) return complete;
  const names = receiptNamesOf(usb);
  for (const { id, info, problems } of targets) {
    const receipt = path.join(receiptFolder(layout), names.get(id) ?? id);
    const wanted = {
      imageSha256: image.diskSha256,
      verified: usb.verify,
      signed: recipe.capture.sign !== undefined,
    };
    const isThere = !problems.some(({ kind }) => kind === 'missing');
    if (await isComplete(receipt, wanted, isThere ? info : undefined)) complete.add(id);
  }
  return complete;
}

function failedCheck({ id, problems }: PlannedTarget): PreflightCheck[] {
  if (problems.length === 0) return [];
  return [
    {
      name: `usb target ${id}`,
      ok: false,
      detail: problems.map(({ detail }) => detail).join('; '),
      remedy: [...new Set(problems.map(({ kind }) => remedyOf(kind)))].join(' '),
    },
  ];
}
