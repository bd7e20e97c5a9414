import { resolve } from 'node:path';
import type { PromisedDigest } from '@osforge/disk-image';
import { FlashOptionError } from '../errors.ts';
import { describeSource, type SourceRequest } from '../source/open-source.ts';
import type { SourceFormat } from '../source/source.ts';
import { findBmap } from './find-bmap.ts';

export interface PlanImageOptions {
  readonly path: string;
  /** Default: the one beside the image, where a checksum of the disk inside vouches for what comes of it. */
  readonly bmapPath?: string | undefined;
  /** SHA-256 of the file as it is, or of the disk inside, in hex; besides those of the lists beside it. */
  readonly sha256?: string | undefined;
}

/** An image, and what is known of it before it is read. */
export interface PlannedImage {
  /** For startFlash. */
  readonly source: SourceRequest;
  readonly format: SourceFormat;
  /** Of the disk inside; undefined if that is known only at the end. */
  readonly sizeBytes: number | undefined;
  /** The sectors that the disk inside is made for, by its partition table or its file; undefined if neither says so. */
  readonly sectorBytes: number | undefined;
  /** What the file itself must have; it is compared before anything is written. */
  readonly fileDigests: readonly PromisedDigest[];
  /** Given by a person: of the file or of the disk inside. */
  readonly eitherSha256: string | undefined;
  /** The files that vouch for the image, or `the command line`; none: nobody does. */
  readonly vouchers: readonly string[];
  /** What is worth saying before it begins. */
  readonly remarks: readonly string[];
}

/**
 * Finds the checksums of an image in `SHA256SUMS` and `manifest.json` beside it, and its block map.
 * @throws FlashSourceError, FlashOptionError
 */
export async function planImage(options: PlanImageOptions): Promise<PlannedImage> {
  const path = resolve(options.path);
  const eitherSha256 = options.sha256?.toLowerCase();
  if (eitherSha256 !== undefined && !/^[0-9a-f]{64}$/.test(eitherSha256))
    throw new FlashOptionError('the SHA-256 is not 64 hexadecimal digits', { option: 'sha256' });
  const given = options.bmapPath === undefined ? {} : { bmapPath: resolve(options.bmapPath) };
  const described = await describeSource({ path, ...given });
  // Loaded only now: a wrong name should not wait for it.
  const { readPromises } = await import('@osforge/disk-image');
  const { file: fileDigests, disk, remarks: lists } = await readPromises(path);
  const { format, sectorBytes } = described;
  const diskSha256 = disk?.sha256 ?? (format === 'raw' ? fileDigests[0]?.sha256 : undefined);
  const remarks = [...lists];
  const source: SourceRequest = {
    path,
    format,
    ...given,
    ...(diskSha256 === undefined ? {} : { sha256: diskSha256 }),
  };
  const vouchers = [
    ...new Set([
      ...fileDigests.map(({ source: list }) => list),
      ...(eitherSha256 === undefined ? [] : ['the command line']),
    ]),
  ];
  if (vouchers.length === 0)
    remarks.push('no checksum beside it: that the image itself is right is not checked');
  const facts = { format, sectorBytes, fileDigests, eitherSha256, vouchers };
  const found = options.bmapPath === undefined && canUseBmap(format) ? await findBmap(path) : undefined;
  if (found === undefined) return { ...facts, source, sizeBytes: described.sizeBytes, remarks };
  // A map of another image leaves holes where there is data; only the digest of the whole finds that out.
  if (diskSha256 === undefined) {
    remarks.push(`${found} is not used: no checksum of the disk would tell if it belonged to another image`);
    return { ...facts, source, sizeBytes: described.sizeBytes, remarks };
  }
  const mapped = { ...source, bmapPath: found };
  return { ...facts, source: mapped, sizeBytes: (await describeSource(mapped)).sizeBytes, remarks };
}

/** qcow2, VHDX and FFU know themselves where they are empty. */
function canUseBmap(format: SourceFormat): boolean {
  return format === 'raw' || format === 'gzip' || format === 'xz' || format === 'zstd';
}
