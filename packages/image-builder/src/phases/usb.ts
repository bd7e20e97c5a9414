import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  type FlashEvents,
  type FlashRunResult,
  planFlash,
  type PlannedTarget,
  runFlash,
} from '@osforge/flasher';
import type { Phase, PhaseArtifact, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment, UsbChoice } from '../build/environment.ts';
import { resolveSigningKey } from '../capture/sign-sums.ts';
import { BuildConsistencyError } from '../errors.ts';
import type { UsbSettings } from '../recipe/recipe.ts';
import { describeRows, fractionOf } from '../usb/describe-progress.ts';
import { UsbWriteError } from '../usb/errors.ts';
import { isComplete, receiptFolder, receiptNamesOf, removeReceipt, signatureOf } from '../usb/receipts.ts';
import { writtenArtifact } from '../usb/written-image.ts';
import { artifactPath } from './artifacts.ts';
import { signInputs } from './signing.ts';

/** Phase 13: writes the stick image, or the captured image, to the recipe's targets. */
export function usbPhase(environment: BuildEnvironment): Phase {
  const { usb } = environment.recipe;
  return {
    name: 'usb',
    version: '1',
    weight: usb === false ? 0.01 : 10,
    dependsOn: ['media', 'capture'],
    reads: [usb !== false && usb.write === 'media' ? 'media' : 'capture'],
    skip: () => (usb === false ? 'not requested' : undefined),
    inputs: async () => (usb === false ? {} : { usb: { ...usb }, ...(await signInputs(environment)) }),
    run: async (context) => {
      const { usb: choice } = environment;
      if (usb === false || choice === undefined)
        throw new BuildConsistencyError('the usb targets were not chosen before the build; run it again');
      return writeTargets(environment, context, usb, choice);
    },
  };
}

async function writeTargets(
  environment: BuildEnvironment,
  context: PhaseContext,
  usb: UsbSettings,
  choice: UsbChoice,
) {
  const { recipe, layout } = environment;
  const { directory } = layout;
  const maker = context.upstream(usb.write === 'media' ? 'media' : 'capture');
  const image = writtenArtifact(recipe, usb, maker);
  if (image === undefined)
    throw new BuildConsistencyError('the checkpoint lacks the image to write; run again with --fresh');
  const folder = receiptFolder(layout);
  const names = receiptNamesOf(usb);
  const receiptOf = (id: string): string => path.join(folder, names.get(id) ?? id);
  const key = await signingKey(environment);
  const wanted = {
    imageSha256: image.diskSha256,
    verified: usb.verify,
    signed: key !== undefined,
  };
  await mkdir(folder, { recursive: true });
  const open: PlannedTarget[] = [];
  for (const target of choice.targets) {
    const isThere = !target.problems.some(({ kind }) => kind === 'missing');
    if (!choice.fresh && (await isComplete(receiptOf(target.id), wanted, isThere ? target.info : undefined)))
      context.log(`${target.id} is complete by its receipt`);
    else open.push(target);
  }
  for (const { id } of open) await removeReceipt(receiptOf(id), directory);
  const complete = choice.targets.filter((target) => !open.includes(target)).map(({ id }) => id);
  if (open.length > 0) {
    const { image: planned } = await planFlash({
      image: { path: artifactPath(layout, maker, image.name) },
      targets: [],
    });
    const run = runFlash(
      { image: planned, targets: open },
      {
        verify: usb.verify,
        probe: usb.probe,
        // Not with the work files: a run that was cut goes on with it.
        journalFolder: path.join(layout.state, 'usb'),
        receipts: { folder, privateKey: key, nameOf: (id) => names.get(id) ?? id },
        signal: context.signal,
      },
    );
    tell(environment, context, run.events$, open.length);
    conclude(await run.result, context, complete);
  }
  return {
    artifacts: receiptArtifacts(choice.targets, receiptOf, key !== undefined),
    data: { image: image.name, imageSha256: image.diskSha256, targets: choice.targets.map(describeTarget) },
  };
}

async function signingKey({ recipe, recipeDirectory, variables, secrets }: BuildEnvironment) {
  const { sign } = recipe.capture;
  if (sign === undefined) return undefined;
  return resolveSigningKey(sign.key, { env: variables, directory: recipeDirectory }, secrets);
}

/** Progress is told a second apart at most: it goes into the build's journal too. */
const tellEveryMs = 1000;

function tell(
  { bus }: BuildEnvironment,
  context: PhaseContext,
  events$: ReturnType<typeof runFlash>['events$'],
  count: number,
): void {
  const rows = new Map<string, FlashEvents['flash.target']>();
  const told = new Map<string, { at: number; state: string }>();
  // Ends with the flash.
  events$.subscribe((event) => {
    switch (event.type) {
      case 'flash.checking':
        context.progress(0, 'checking the image');
        return;
      case 'flash.target': {
        const { target, path: place, state, doneBytes, bytesPerSecond, totalBytes, etaMs } = event.data;
        rows.set(target, event.data);
        const at = performance.now();
        const last = told.get(target);
        if (last?.state === state && at - last.at < tellEveryMs) return;
        told.set(target, { at, state });
        bus?.publish('usb', 'usb.target', {
          ...{ target, path: place, state, doneBytes, bytesPerSecond },
          ...(totalBytes === undefined ? {} : { totalBytes }),
          ...(etaMs === undefined ? {} : { etaMs }),
        });
        context.progress(fractionOf(rows, count), describeRows(rows));
        return;
      }
      case 'flash.target-completed': {
        const { target, path: place, sizeBytes, durationMs, receipt } = event.data;
        const bytesPerSecond = durationMs > 0 ? Math.round((1000 * sizeBytes) / durationMs) : 0;
        bus?.publish('usb', 'usb.target', {
          ...{ target, path: place, state: 'complete', doneBytes: sizeBytes, bytesPerSecond },
          totalBytes: sizeBytes,
          ...(receipt === undefined ? {} : { receipt }),
        });
        return;
      }
      case 'flash.target-failed': {
        const { target, path: place, state, code, message } = event.data;
        const { doneBytes = 0 } = rows.get(target) ?? {};
        bus?.publish('usb', 'usb.target', {
          ...{ target, path: place, state, doneBytes, bytesPerSecond: 0, code, message },
        });
        context.log(`${target}: ${message}`);
      }
    }
  });
}

function conclude(
  { targets, error }: FlashRunResult,
  { signal }: PhaseContext,
  before: readonly string[],
): void {
  const failures = targets.flatMap((target) =>
    target.ok ? [] : [{ target: target.id, code: target.error.code, message: target.error.message }],
  );
  if (failures.length === 0) return;
  signal.throwIfAborted();
  const complete = [...before, ...targets.filter(({ ok }) => ok).map(({ id }) => id)];
  throw new UsbWriteError(failures, complete, error === undefined ? {} : { cause: error });
}

function receiptArtifacts(
  targets: readonly PlannedTarget[],
  receiptOf: (id: string) => string,
  signed: boolean,
): PhaseArtifact[] {
  return targets.flatMap(({ id }) => {
    const receipt = receiptOf(id);
    return [receipt, ...(signed ? [signatureOf(receipt)] : [])].map((file): PhaseArtifact => ({
      name: `usb/${path.basename(file)}`,
      path: file,
      retention: 'output',
    }));
  });
}

function describeTarget({ id, info }: PlannedTarget) {
  const { path: place, serial, sizeBytes } = info.identity;
  return { target: id, path: place, sizeBytes, ...(serial === undefined ? {} : { serial }) };
}
