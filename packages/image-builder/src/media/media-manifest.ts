import path from 'node:path';
import { writeFileDurable } from '@osforge/flush';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { capturedFile, type CapturedFile } from '../capture/manifest.ts';
import type { InstallerSettings } from '../installer/settings.ts';
import type { ResolvedSet } from '../packages/resolved-package.ts';
import type { Payload } from './make-payload.ts';

/** Debian packages whose tools shape the media. */
export const mediaTools: readonly string[] = ['xorriso', 'mtools'];

export interface MediaFacts {
  readonly files: readonly CapturedFile[];
  readonly settings: InstallerSettings;
  readonly payload: Payload;
  /** SHA-256 of the disk that is installed. */
  readonly contentSha256: string;
  readonly kernelRelease: string;
  readonly packages: ResolvedSet;
  readonly sourceDateEpoch: number;
}

/** Writes `media.json`: what the media install, how, and what they were made from. The same facts give the same text. */
export async function writeMediaManifest(
  environment: BuildEnvironment,
  facts: MediaFacts,
  folder: string,
  signal: AbortSignal,
): Promise<CapturedFile> {
  const { layout, recipe } = environment;
  const { files, settings, payload, contentSha256, kernelRelease, packages, sourceDateEpoch } = facts;
  const written = payload.parts.reduce((sum, { length }) => sum + length, 0);
  const manifest = {
    mediaVersion: 1,
    name: recipe.name,
    buildId: layout.buildId,
    sourceDateEpoch,
    rawDisk: { sizeBytes: settings.imageBytes, sha256: contentSha256 },
    settings,
    payload: { parts: payload.parts.length, writtenBytes: written, fileBytes: payload.fileBytes },
    artifacts: files.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    installer: {
      kernelRelease,
      packages: packages.map(({ name, version, architecture, sha256 }) => ({
        name,
        version,
        architecture,
        sha256,
      })),
    },
    tools: toolVersions(environment, mediaTools),
  };
  const target = path.join(folder, 'media.json');
  await writeFileDurable(target, `${JSON.stringify(manifest, null, 2)}\n`);
  return capturedFile(target, signal);
}
