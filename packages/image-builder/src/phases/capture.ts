import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { openExt4, openRaw, readExt4State, readFatState, treeDigest } from '@osforge/disk-image';
import type { Phase, PhaseContext, PhaseResult } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { BuildConsistencyError } from '../errors.ts';
import { identifiersOf, imageLayout } from './disk.ts';
import { parseDpkgStatus } from './package-list.ts';
import { signature, signInputs } from './signing.ts';
import { captureAll } from '../capture/capture-all.ts';
import type { FfuWork } from '../capture/ffu-work.ts';
import { writeManifest, writeSbom, writeSums } from '../capture/manifest.ts';
import { putInPlace } from '../capture/put-in-place.ts';
import { ffuWork, flattened } from '../capture/raw-disk.ts';
import { treeMask } from '../capture/tree-mask.ts';

/** Phase 11: makes the artifacts from the finished disk, all digests, the manifest and the checksum file. */
export function capturePhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  return {
    name: 'capture',
    version: '2',
    weight: 8,
    dependsOn: ['vm-shutdown', 'disk', 'os-updates', 'preflight'],
    reads: ['vm-shutdown', 'disk', 'preflight'],
    inputs: async () => ({
      formats: [...recipe.capture.formats],
      ...(recipe.capture.ffu?.compress === true ? { ffu: { ...recipe.capture.ffu } } : {}),
      ...(await signInputs(environment)),
      tools: toolVersions(environment, ['qemu-utils']),
      description: recipe.description ?? '',
    }),
    run: async (context) => {
      await mkdir(layout.directory, { recursive: true });
      const staging = path.join(layout.work, 'capture');
      await context.ledger.register('directory-tree', staging);
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true });
      const ffu = await ffuWork(environment, context);
      try {
        const result = await capture(environment, context, staging, ffu);
        await ffu?.remove();
        return result;
      } catch (error) {
        await ffu?.removeUnlessBegun();
        throw error;
      } finally {
        await rm(staging, { recursive: true, force: true });
      }
    },
  };
}

async function capture(
  environment: BuildEnvironment,
  context: PhaseContext,
  staging: string,
  ffu: FfuWork | undefined,
): Promise<PhaseResult> {
  const { raw, remove } = await flattened(environment, context, ffu);
  try {
    const facts = await inspect(environment, context, raw);
    const { images, contentSha256 } = await captureAll(environment, context, raw, staging, ffu);
    context.progress(0.95, 'writing the manifest');
    const sbom = await writeSbom(environment, context, { ...facts, contentSha256 }, staging);
    const outputs = [...images, sbom];
    const captured = { ...facts, contentSha256, images: outputs };
    const manifest = await writeManifest(environment, context, captured, staging);
    const sums = await writeSums(staging, [...outputs, manifest], context.signal);
    // The last good image stays until the new one is whole.
    const artifacts = await putInPlace(environment, context, {
      images: outputs,
      manifest,
      sums,
      signature: await signature(environment, context, sums),
    });
    return { artifacts, data: { contentSha256, treeSha256: facts.treeSha256 } };
  } finally {
    await remove();
  }
}

/** What is on the disk. Refuses a disk whose file systems were not closed properly. */
async function inspect(environment: BuildEnvironment, context: PhaseContext, raw: string) {
  const [esp, root] = imageLayout(environment, identifiersOf(environment)).partitions;
  if (!esp || !root) throw new BuildConsistencyError('the disk has lost its partitions');
  const reader = await openRaw(raw);
  try {
    const ext4 = await readExt4State(reader, root.startBytes);
    const fat = await readFatState(reader, esp.startBytes);
    if (ext4.state !== 'clean') {
      throw new BuildConsistencyError(`the root file system is "${ext4.state}": nothing is captured from it`);
    }
    if (fat.dirty || fat.ioErrors) throw new BuildConsistencyError('the EFI system partition is not clean');
    context.progress(0.2, 'reading the file tree');
    const files = await openExt4(reader, root.startBytes);
    const tree = await treeDigest(files.walk(), { mask: treeMask });
    const dpkgStatus = Buffer.from(await files.readFile('/var/lib/dpkg/status')).toString('utf8');
    const packages = parseDpkgStatus(dpkgStatus);
    return { treeSha256: tree.sha256, treeEntries: tree.entries, packages, dpkgStatus };
  } finally {
    await reader.close();
  }
}
