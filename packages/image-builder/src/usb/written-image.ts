import type { PhaseRecord } from '@osforge/checkpoint';
import type { CaptureFormat, Recipe, UsbSettings } from '../recipe/recipe.ts';

/** What phase `usb` writes. */
export interface WrittenArtifact {
  /** Its name among the artifacts of the phase that has made it. */
  readonly name: string;
  /** SHA-256 of the disk in it. */
  readonly diskSha256: string;
}

/** The first that there is: raw.zst has a block map and needs no other program. */
const preferred: readonly CaptureFormat[] = ['raw.zst', 'qcow2', 'ffu', 'vhdx'];

/** The artifact of `capture` or `media` that is written; undefined where its record does not have it. */
export function writtenArtifact(
  { name, capture }: Recipe,
  usb: UsbSettings,
  record: PhaseRecord,
): WrittenArtifact | undefined {
  if (usb.write === 'media') {
    const stick = record.artifacts.find((artifact) => artifact.name === `${name}-install.raw`);
    return stick === undefined ? undefined : { name: stick.name, diskSha256: stick.sha256 };
  }
  const format = preferred.find((one) => capture.formats.includes(one));
  const image = record.artifacts.find((artifact) => artifact.name === `${name}.${format ?? ''}`);
  const diskSha256 = record.data['contentSha256'];
  if (image === undefined || typeof diskSha256 !== 'string') return undefined;
  return { name: image.name, diskSha256 };
}
