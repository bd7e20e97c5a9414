import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  captureFfu,
  convertImage,
  openExt4,
  openRaw,
  partialPath,
  rawContentDigest,
  readExt4State,
  readFatState,
  treeDigest,
} from '@osforge/disk-image';
import type { Phase, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { BuildConsistencyError } from '../errors.ts';
import type { CaptureFormat } from '../recipe/recipe.ts';
import { artifactPath, recordedNumber } from './artifacts.ts';
import { identifiersOf, imageLayout } from './disk.ts';
import { parseDpkgStatus } from './package-list.ts';
import { signature, signInputs } from './signing.ts';
import { capturedFile, writeManifest, writeSbom, writeSums, type CapturedFile } from '../capture/manifest.ts';
import { putInPlace } from '../capture/put-in-place.ts';
import { captureRawZst } from '../capture/raw-zst.ts';
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
      const flat = path.join(layout.work, 'final.raw');
      const staging = path.join(layout.work, 'capture');
      await context.ledger.register('directory-tree', staging);
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true });
      const { raw, temporary } = await flattened(environment, context, flat);
      try {
        const facts = await inspect(environment, context, raw);
        const { images, contentSha256 = await rawContentDigest(raw, 'raw', { signal: context.signal }) } =
          await captureAll(environment, context, raw, staging);
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
        if (temporary) await rm(flat, { force: true });
        await rm(staging, { recursive: true, force: true });
      }
    },
  };
}

/** The disk as one raw file: the machine's chain of overlays folded up, or the disk itself where there was none. */
async function flattened(
  environment: BuildEnvironment,
  context: PhaseContext,
  flat: string,
): Promise<{ raw: string; temporary: boolean }> {
  const { layout } = environment;
  const shutdown = context.upstream('vm-shutdown');
  if (shutdown.state === 'skipped') {
    return { raw: artifactPath(layout, context.upstream('disk'), 'disk'), temporary: false };
  }
  for (const file of [partialPath(flat), flat]) await context.ledger.register('file', file);
  const { flush } = await convertImage({
    source: artifactPath(layout, shutdown, 'final-disk'),
    sourceFormat: 'qcow2',
    target: flat,
    format: 'raw',
    signal: context.signal,
    onProgress: (fraction) => {
      context.progress(0.15 * fraction, 'reading the disk');
    },
  });
  tellFlush(environment, 'raw', flush);
  return { raw: flat, temporary: true };
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

function tellFlush(
  { bus }: BuildEnvironment,
  format: string,
  { bytes, durationMs }: { bytes: number; durationMs: number },
): void {
  bus?.publish('capture', 'image.flushed', { format, sizeBytes: bytes, durationMs });
}

interface CapturedImages {
  readonly images: CapturedFile[];
  /** Of the raw disk, where a format's pass over the disk gave it. */
  readonly contentSha256?: string;
}

/** All formats at once; each reads the disk once, and what was read is still in memory for the others. */
async function captureAll(
  environment: BuildEnvironment,
  context: PhaseContext,
  raw: string,
  staging: string,
): Promise<CapturedImages> {
  const { formats } = environment.recipe.capture;
  const fractions = new Map<string, number>();
  const captured = await Promise.all(
    formats.map((format) =>
      captureFormat(environment, context, raw, staging, format, (fraction) => {
        fractions.set(format, fraction);
        const sum = [...fractions.values()].reduce((total, value) => total + value, 0);
        const name = `${environment.recipe.name}.${format}`;
        context.progress(0.3 + (0.6 * sum) / formats.length, `making ${name}`);
      }),
    ),
  );
  const contentSha256 = captured.find((one) => one.contentSha256 !== undefined)?.contentSha256;
  return {
    images: captured.flatMap(({ images }) => images),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
  };
}

async function captureFormat(
  environment: BuildEnvironment,
  context: PhaseContext,
  raw: string,
  staging: string,
  format: CaptureFormat,
  onProgress: (fraction: number) => void,
): Promise<CapturedImages> {
  const { recipe } = environment;
  const { signal } = context;
  const target = path.join(staging, `${recipe.name}.${format}`);
  switch (format) {
    case 'raw.zst': {
      const { files, contentSha256, flush } = await captureRawZst({
        raw,
        folder: staging,
        name: recipe.name,
        signal,
        onProgress,
      });
      tellFlush(environment, format, flush);
      return { images: [...files], contentSha256 };
    }
    case 'ffu': {
      const { flush } = await captureFfu({
        source: raw,
        target,
        description: recipe.name,
        compress: recipe.capture.ffu?.compress ?? false,
        // Two builds of the same inputs are the same file.
        createdAt: new Date(1000 * recordedNumber(context.upstream('preflight'), 'sourceDateEpoch')),
        // What is left of a killed run is removed with the staging folder.
        resume: false,
        signal,
        onProgress: ({ step, doneBytes, totalBytes }) => {
          if (step === 'write' && totalBytes > 0) onProgress(doneBytes / totalBytes);
        },
      });
      tellFlush(environment, format, flush);
      return { images: [await capturedFile(target, signal)] };
    }
    case 'qcow2':
    case 'vhdx': {
      const { flush } = await convertImage({
        source: raw,
        sourceFormat: 'raw',
        target,
        format,
        signal,
        onProgress,
      });
      tellFlush(environment, format, flush);
      return { images: [await capturedFile(target, signal)] };
    }
  }
}
