import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  createSparseFile,
  ext4Arguments,
  makeEsp,
  normalizeExt4Times,
  partitionTypes,
  planGpt,
  writeGpt,
  type GptLayout,
} from '@osforge/disk-image';
import type { Phase, PhaseContext } from '@osforge/pipeline';
import { assetDigest, assetPath } from '../asset.ts';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { diskIdentifiers, type DiskIdentifiers } from '../build/identifiers.ts';
import { BuildConsistencyError } from '../errors.ts';
import { referencedFiles } from '../recipe/referenced-files.ts';
import { chooseAccelerator } from '../machine/accelerator.ts';
import { bootstrap } from './bootstrap.ts';
import { artifactPath, recordedNumber, recordedText } from './artifacts.ts';
import { loaderFiles, settingsFiles } from './tree-settings.ts';
import { writeOverlay } from './write-overlay.ts';

/** The two partitions of every image: the EFI system partition and the root file system. */
export function imageLayout(environment: BuildEnvironment, identifiers: DiskIdentifiers): GptLayout {
  const { disk } = environment.recipe;
  return planGpt({
    sectorSize: disk.sectorSize,
    diskSizeBytes: disk.sizeBytes,
    diskGuid: identifiers.disk,
    partitions: [
      {
        name: 'esp',
        typeGuid: partitionTypes.efiSystem,
        guid: identifiers.esp,
        sizeBytes: disk.espSizeBytes,
      },
      { name: 'root', typeGuid: partitionTypes.linuxRootX64, guid: identifiers.root, sizeBytes: 'rest' },
    ],
  });
}

/** The seed of every identifier of this recipe's disk. */
export function identifiersOf(environment: BuildEnvironment): DiskIdentifiers {
  const { disk, name } = environment.recipe;
  return diskIdentifiers(disk.uuidSeed ?? name);
}

/** Phase 5: unpacks and configures the operating system and puts it on a partitioned, bootable disk. */
export function diskPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const output = path.join(layout.work, 'disk');
  return {
    name: 'disk',
    version: '1',
    weight: 22,
    dependsOn: ['preflight', 'drivers', 'updates'],
    inputs: async () => ({
      disk: { ...recipe.disk },
      system: { ...recipe.system },
      users: recipe.users.map((user) => ({ ...user })),
      // A secret's value is never part of a key; of a file that is referred to, its digest is.
      files: await referencedFiles(
        recipe.users.flatMap(({ password, authorizedKeys }) => [password ?? '', ...authorizedKeys]),
        environment.recipeDirectory,
      ),
      name: recipe.name,
      tools: toolVersions(environment, ['mmdebstrap', 'e2fsprogs', 'mtools']),
      hook: await assetDigest('tree-hook.sh'),
      generalize: await assetDigest('generalize.sh'),
    }),
    run: async (context) => {
      await rm(output, { recursive: true, force: true });
      await mkdir(output, { recursive: true, mode: 0o700 });
      if (recipe.apps.length > 0) {
        // Goes on beside the bootstrap; `vm-setup` takes the answer, or the error.
        chooseAccelerator(environment, context.signal).catch(() => undefined);
      }
      await makeDisk(environment, context, output);
      const release = (await readFile(path.join(output, 'kernel-release'), 'utf8')).trim();
      return {
        artifacts: [
          { name: 'disk', path: path.join(output, 'disk.raw'), retention: 'cache' },
          { name: 'kernel', path: path.join(output, 'kernel'), retention: 'cache' },
          { name: 'initrd', path: path.join(output, 'initrd'), retention: 'cache' },
          { name: 'packages', path: path.join(output, 'packages.tsv'), retention: 'cache' },
        ],
        data: { kernelRelease: release },
      };
    },
  };
}

async function makeDisk(environment: BuildEnvironment, context: PhaseContext, output: string): Promise<void> {
  const { recipe, layout } = environment;
  const preflight = context.upstream('preflight');
  const drivers = context.upstream('drivers');
  const epochSeconds = recordedNumber(preflight, 'sourceDateEpoch');
  const identifiers = identifiersOf(environment);
  const gpt = imageLayout(environment, identifiers);
  const [esp, root] = gpt.partitions;
  if (!esp || !root) throw new BuildConsistencyError('the disk has no room for its two partitions');
  const image = path.join(output, 'disk.raw');

  context.progress(0.01, 'partitioning');
  await createSparseFile(image, recipe.disk.sizeBytes);
  await chmod(image, 0o600);
  await writeGpt(image, gpt);

  const overlay = path.join(output, 'overlay');
  const aptSources = await readFile(artifactPath(layout, preflight, 'image-sources'), 'utf8');
  await writeOverlay(overlay, settingsFiles(recipe, identifiers, aptSources));

  const mkfs = ext4Arguments({
    tree: '@TREE@',
    imagePath: image,
    offsetBytes: root.startBytes,
    sizeBytes: root.sizeBytes - (root.sizeBytes % 4096),
    uuid: identifiers.rootFileSystem,
    label: recipe.disk.rootLabel,
    hashSeed: identifiers.hashSeed,
    epochSeconds,
  });
  const mkfsArguments = path.join(output, 'mkfs.arguments');
  await writeFile(mkfsArguments, mkfs.args.map((argument) => `${argument}\n`).join(''));
  const debFolder = drivers.state === 'skipped' ? '' : recordedText(drivers, 'debFolder');
  await bootstrap(environment, context, {
    output,
    overlay,
    mkfsArguments,
    mkfsEnvironment: mkfs.env,
    epochSeconds,
    hook: assetPath('tree-hook.sh'),
    generalize: assetPath('generalize.sh'),
    driverFolder: debFolder === '' ? '' : path.resolve(layout.directory, debFolder),
  });

  await rm(overlay, { recursive: true, force: true });
  context.progress(0.94, 'making the boot partition');
  const release = (await readFile(path.join(output, 'kernel-release'), 'utf8')).trim();
  const loader = path.join(output, 'loader.efi');
  await makeEsp({
    imagePath: image,
    offsetBytes: esp.startBytes,
    sizeBytes: esp.sizeBytes,
    volumeId: identifiers.espVolumeId,
    label: 'ESP',
    sourceDateEpoch: epochSeconds,
    // This phase begins by emptying it.
    temporaryDirectory: output,
    signal: context.signal,
    files: [
      { path: 'EFI/BOOT/BOOTX64.EFI', from: loader },
      { path: 'EFI/systemd/systemd-bootx64.efi', from: loader },
      ...loaderFiles(recipe, identifiers, release).map(({ path: name, content }) => ({
        path: name,
        content: Buffer.from(content),
      })),
      { path: `debian/${release}/linux`, from: path.join(output, 'kernel') },
      { path: `debian/${release}/initrd.img`, from: path.join(output, 'initrd') },
    ],
  });
  context.progress(0.97, 'fixing time stamps');
  await normalizeExt4Times({ imagePath: image, offsetBytes: root.startBytes, epochSeconds });
}
