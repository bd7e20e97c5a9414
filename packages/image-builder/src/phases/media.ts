import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openImage, type BlockReader } from '@osforge/disk-image';
import type { Phase, PhaseContext } from '@osforge/pipeline';
import { installerAssetsDigest } from '../asset.ts';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { mediaPlace } from '../capture/earlier-files.ts';
import { capturedFile, writeSums, type CapturedFile } from '../capture/manifest.ts';
import { putInPlace } from '../capture/put-in-place.ts';
import { buildInitramfs, type InitramfsResult } from '../installer/build-initramfs.ts';
import { installerPackages } from '../installer/installer-packages.ts';
import { formatSettings, type InstallerSettings } from '../installer/settings.ts';
import { installerSettings } from '../media/installer-settings.ts';
import { makeInstallIso } from '../media/make-iso.ts';
import { formatParts, makePayload, type Payload } from '../media/make-payload.ts';
import { makePxe } from '../media/make-pxe.ts';
import { makeStick } from '../media/make-stick.ts';
import { mediaTools, writeMediaManifest } from '../media/media-manifest.ts';
import { mediumIdentifiers } from '../media/medium-identifiers.ts';
import type { ResolvedSet } from '../packages/resolved-package.ts';
import { parseNames, type NamedMachine } from '../recipe/names.ts';
import type { MediaSettings } from '../recipe/recipe.ts';
import { artifactPath, recordedNumber, recordedText } from './artifacts.ts';
import { digestTarget } from './digest-path.ts';
import { downloadSet } from './fetch-packages.ts';
import { buildIndexes } from './preflight.ts';
import { signature, signInputs } from './signing.ts';

/** Phase 12: media that install the captured disk on other machines, from one payload and one installer. */
export function mediaPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const { media } = recipe;
  return {
    name: 'media',
    version: '1',
    weight: media === false ? 0.01 : 12,
    dependsOn: ['capture', 'vm-shutdown', 'disk', 'preflight'],
    // The disk is read, not the images: those may have been taken away by now.
    reads: ['vm-shutdown', 'disk', 'preflight'],
    skip: () => (media === false ? 'not requested' : undefined),
    inputs: async () =>
      media === false
        ? {}
        : {
            name: recipe.name,
            media: { ...media, disk: { ...media.disk }, hostname: { ...media.hostname } },
            names: await namesDigest(environment, media),
            installer: await installerAssetsDigest(),
            ...(await signInputs(environment)),
            tools: {
              ...toolVersions(environment, ['apt', ...mediaTools]),
              zstd: process.versions['zstd'] ?? '',
            },
          },
    run: async (context) => {
      if (media === false) throw new Error('phase "media" runs only where the recipe has media');
      const staging = path.join(layout.work, 'media');
      await context.ledger.register('directory-tree', staging);
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true, mode: 0o700 });
      try {
        return { artifacts: await makeMedia(environment, context, media, staging) };
      } finally {
        await rm(staging, { recursive: true, force: true });
      }
    },
  };
}

async function namesDigest(
  { recipeDirectory }: BuildEnvironment,
  { hostname }: MediaSettings,
): Promise<string | null> {
  return hostname?.names === undefined ? null : digestTarget(path.join(recipeDirectory, hostname.names));
}

/** The steps of the phase, with the part of its progress that each begins at. */
const steps = {
  packages: 0.01,
  payload: 0.1,
  installer: 0.45,
  media: 0.65,
  manifest: 0.95,
} as const;

async function makeMedia(
  environment: BuildEnvironment,
  context: PhaseContext,
  media: MediaSettings,
  staging: string,
) {
  const { recipe } = environment;
  const { signal } = context;
  const sourceDateEpoch = recordedNumber(context.upstream('preflight'), 'sourceDateEpoch');
  const contentSha256 = recordedText(context.upstream('capture'), 'contentSha256');

  context.progress(steps.packages, "resolving the installer's packages");
  const { set, archives } = await fetchInstaller(environment, context, media);

  const content = path.join(staging, 'content');
  const payloadFolder = path.join(content, 'osforge', 'payload');
  await mkdir(payloadFolder, { recursive: true });
  context.progress(steps.payload, 'packing the disk');
  const payload = await packDisk(environment, context, { folder: payloadFolder, contentSha256 });

  context.progress(steps.installer, 'making the installer');
  const names = await machineNames(environment, media);
  const partsTsv = formatParts(payload.parts);
  const identifiers = mediumIdentifiers([
    contentSha256,
    formatSettings(installerSettings(recipe, media, 'derived')),
    partsTsv,
    JSON.stringify(names),
  ]);
  const settings = installerSettings(recipe, media, identifiers.mediumId);
  await writeFile(path.join(content, 'osforge', 'medium-id'), `${identifiers.mediumId}\n`);
  const boot = await makeInstaller({
    archives,
    media,
    settings,
    partsTsv,
    names,
    epochSeconds: sourceDateEpoch,
    staging,
    signal,
  });

  const files: CapturedFile[] = [];
  const made = path.join(staging, 'made');
  await mkdir(made);
  const medium = { content, boot, name: recipe.name, identifiers, epochSeconds: sourceDateEpoch, signal };
  const share = (steps.manifest - steps.media) / media.formats.length;
  for (const [index, format] of [...media.formats].sort(byTurn).entries()) {
    context.progress(steps.media + share * index, `making the ${formatNames[format]}`);
    switch (format) {
      case 'iso':
        await makeInstallIso({ ...medium, target: path.join(made, `${recipe.name}-install.iso`) });
        break;
      case 'stick':
        await makeStick({ ...medium, target: path.join(made, `${recipe.name}-install.raw`) });
        break;
      case 'pxe':
        await makePxe({
          folder: path.join(made, 'pxe'),
          payload: payloadFolder,
          boot,
          name: recipe.name,
          signal,
        });
    }
  }
  for (const name of await filesBelow(made))
    files.push(await capturedFile(path.join(made, name), signal, name));

  context.progress(steps.manifest, 'writing the manifest');
  const facts = {
    files,
    settings,
    payload,
    contentSha256,
    kernelRelease: boot.kernelRelease,
    packages: set,
    sourceDateEpoch,
  };
  const manifest = await writeMediaManifest(environment, facts, made, signal);
  const sums = await writeSums(made, [...files, manifest], signal);
  // What was made before stays until all of the new is whole.
  return putInPlace(
    environment,
    context,
    { images: files, manifest, sums, signature: await signature(environment, context, sums) },
    mediaPlace(environment),
  );
}

const formatNames = { iso: 'ISO', stick: 'stick image', pxe: 'PXE folder' } as const;
/** The PXE folder is last: it takes the payload's files for its own. */
const turns = ['iso', 'stick', 'pxe'] as const;
function byTurn(a: (typeof turns)[number], b: (typeof turns)[number]): number {
  return turns.indexOf(a) - turns.indexOf(b);
}

/** The whole closure of the installer's packages, of the recipe's sources, checked against the signed indexes. */
async function fetchInstaller(
  environment: BuildEnvironment,
  context: PhaseContext,
  { kernel, firmware }: MediaSettings,
): Promise<{ set: ResolvedSet; archives: string[] }> {
  const workspace = await buildIndexes(environment, context.signal);
  const set = await workspace.resolve({
    install: installerPackages(kernel, firmware),
    base: 'nothing',
    signal: context.signal,
  });
  const archives = await downloadSet(environment, context, {
    phase: 'media',
    set,
    from: steps.packages,
    to: steps.payload,
  });
  return { set, archives };
}

async function packDisk(
  environment: BuildEnvironment,
  context: PhaseContext,
  { folder, contentSha256 }: { folder: string; contentSha256: string },
): Promise<Payload> {
  const { disk, close } = await openDisk(environment, context);
  try {
    return await makePayload({
      disk,
      contentSha256,
      folder,
      signal: context.signal,
      onProgress: (fraction) => {
        context.progress(steps.payload + (steps.installer - steps.payload) * fraction);
      },
    });
  } finally {
    await close();
  }
}

/** What `capture` has read: the machine's chain of overlays, or the disk itself where there was no machine. */
async function openDisk(
  { layout }: BuildEnvironment,
  context: PhaseContext,
): Promise<{ disk: BlockReader; close: () => Promise<void> }> {
  const { signal } = context;
  const shutdown = context.upstream('vm-shutdown');
  if (shutdown.state === 'skipped') {
    const disk = await openImage(artifactPath(layout, context.upstream('disk'), 'disk'), 'raw', { signal });
    return { disk, close: () => disk.close() };
  }
  // For a socket, whose path must be short; removed by the ledger where we are killed.
  const temporaryDirectory = path.join(tmpdir(), `osforge-vm-${randomUUID()}`);
  await context.ledger.register('directory-tree', temporaryDirectory);
  await mkdir(temporaryDirectory, { mode: 0o700 });
  const removeFolder = (): Promise<void> => rm(temporaryDirectory, { recursive: true, force: true });
  try {
    const chain = artifactPath(layout, shutdown, 'final-disk');
    const disk = await openImage(chain, 'qcow2', { signal, temporaryDirectory });
    const close = async (): Promise<void> => {
      await disk.close();
      await removeFolder();
    };
    return { disk, close };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function machineNames(
  { recipeDirectory }: BuildEnvironment,
  { hostname }: MediaSettings,
): Promise<NamedMachine[]> {
  if (hostname?.names === undefined) return [];
  return parseNames(await readFile(path.join(recipeDirectory, hostname.names), 'utf8')).machines;
}

async function makeInstaller(request: {
  archives: readonly string[];
  media: MediaSettings;
  settings: InstallerSettings;
  partsTsv: string;
  names: readonly NamedMachine[];
  epochSeconds: number;
  staging: string;
  signal: AbortSignal;
}): Promise<InitramfsResult> {
  const { archives, media, settings, partsTsv, names, epochSeconds, staging, signal } = request;
  const target = path.join(staging, 'installer');
  const temporaryDirectory = path.join(staging, 'unpacked');
  for (const folder of [target, temporaryDirectory]) await mkdir(folder);
  return buildInitramfs({
    archives,
    firmware: media.firmware.map((spec) => spec.replace(/=.*/, '')),
    target,
    settings,
    partsTsv,
    names: names.map(({ serial, name }) => ({ serial, hostname: name })),
    epochSeconds,
    temporaryDirectory,
    signal,
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
    .sort();
}
