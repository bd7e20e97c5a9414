import path from 'node:path';
import { hashFile, writeFileDurable } from '@osforge/flush';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { recordedNumber } from '../phases/artifacts.ts';
import { phaseNames } from '../phases/names.ts';
import type { InstalledPackage } from '../phases/package-list.ts';
import { provenance } from './provenance.ts';
import { cycloneDx } from './sbom.ts';
import { treeMask } from './tree-mask.ts';

/** A file of the build's folder; hashed once, when it is complete. */
export interface CapturedFile {
  /** Relative to the folder that the files go to. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export async function capturedFile(
  file: string,
  signal: AbortSignal,
  name: string = path.basename(file),
): Promise<CapturedFile> {
  return { name, path: file, ...(await hashFile(file, { signal })) };
}

export interface CaptureFacts {
  readonly treeSha256: string;
  readonly treeEntries: number;
  readonly packages: readonly InstalledPackage[];
  /** SHA-256 of the raw disk's bytes, holes as zeros. */
  readonly contentSha256: string;
  readonly images: readonly CapturedFile[];
}

/** Writes `<name>.cdx.json`, the list of what is in the image. */
export async function writeSbom(
  { recipe }: BuildEnvironment,
  context: PhaseContext,
  facts: { readonly dpkgStatus: string; readonly contentSha256: string },
  folder: string,
): Promise<CapturedFile> {
  const target = path.join(folder, `${recipe.name}.cdx.json`);
  const text = cycloneDx({
    name: recipe.name,
    release: recipe.distribution.release,
    sourceDateEpoch: recordedNumber(context.upstream('preflight'), 'sourceDateEpoch'),
    dpkgStatus: facts.dpkgStatus,
    contentSha256: facts.contentSha256,
  });
  await writeFileDurable(target, text);
  return capturedFile(target, context.signal);
}

/** Writes `manifest.json`: what went in, what came out, and how long each phase took. Holds no secret. */
export async function writeManifest(
  environment: BuildEnvironment,
  context: PhaseContext,
  facts: CaptureFacts,
  folder: string,
): Promise<CapturedFile> {
  const { layout, recipe, tools } = environment;
  const preflight = context.upstream('preflight');
  const createdAt = environment.now();
  const suites = preflight.data['suites'] ?? [];
  const sourceDateEpoch = recordedNumber(preflight, 'sourceDateEpoch');
  const manifest = {
    manifestVersion: 1,
    name: recipe.name,
    buildId: layout.buildId,
    ...(recipe.description === undefined ? {} : { description: recipe.description }),
    createdAt: createdAt.toISOString(),
    sourceDateEpoch,
    inputs: { recipe, suites },
    tools,
    artifacts: facts.images.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    rawDisk: { sizeBytes: recipe.disk.sizeBytes, sha256: facts.contentSha256 },
    fileTree: { sha256: facts.treeSha256, entries: facts.treeEntries, masked: treeMask.length },
    phases: phaseNames.flatMap((name) => {
      if (name === 'capture' || name === 'media' || name === 'usb' || name === 'cleanup') return [];
      const { state, durationMs, reason } = context.upstream(name);
      return [
        { name, state, durationMs: Math.round(durationMs), ...(reason === undefined ? {} : { reason }) },
      ];
    }),
    packages: facts.packages,
    provenance: provenance({
      buildId: layout.buildId,
      release: recipe.distribution.release,
      recipe,
      suites,
      sourceDateEpoch,
      tools,
      packages: facts.packages,
      subjects: facts.images,
      finishedAt: createdAt,
    }),
  };
  const target = path.join(folder, 'manifest.json');
  await writeFileDurable(target, `${JSON.stringify(manifest, null, 2)}\n`);
  return capturedFile(target, context.signal);
}

/** Writes `SHA256SUMS` in the form that `sha256sum --check` reads. */
export async function writeSums(
  directory: string,
  files: readonly CapturedFile[],
  signal: AbortSignal,
): Promise<CapturedFile> {
  const target = path.join(directory, 'SHA256SUMS');
  await writeFileDurable(target, sumsText(files));
  return capturedFile(target, signal);
}

/** What `SHA256SUMS` of some files says. Pure. */
function sumsText(files: readonly Pick<CapturedFile, 'name' | 'sha256'>[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
}
