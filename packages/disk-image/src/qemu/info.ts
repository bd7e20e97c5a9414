import { stat } from 'node:fs/promises';
import { run } from '@osforge/process';
import type { Extent } from '../block/reader.ts';
import { QemuImgOutputError } from '../errors.ts';
import type { ImageFormat } from './convert.ts';

export interface QemuCallOptions {
  /** Default one minute; checks and maps of large images may need more. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ImageInfo {
  readonly format: string;
  /** Size of the disk that a machine sees. */
  readonly virtualSizeBytes: number;
  /** Bytes that the file occupies. */
  readonly allocatedBytes: number;
  /** The file below, as the image names it; undefined if the image stands alone. */
  readonly backingFile: string | undefined;
  readonly clusterSizeBytes: number | undefined;
  /** qcow2: zlib or zstd. */
  readonly compressionType: string | undefined;
}

/** What `qemu-img info` says; the format is detected unless given. Do not detect the format of untrusted images. */
export async function imageInfo(
  path: string,
  format?: ImageFormat,
  options: QemuCallOptions = {},
): Promise<ImageInfo> {
  const value = await qemuJson(
    ['info', '--output=json', ...(format === undefined ? [] : ['-f', format]), path],
    options,
  );
  const info = asObject(value, 'info');
  const data = optionalObject(optionalObject(info['format-specific'])?.['data']);
  return {
    format: asString(info['format']),
    virtualSizeBytes: asNumber(info['virtual-size']),
    allocatedBytes: asNumber(info['actual-size']),
    backingFile: typeof info['backing-filename'] === 'string' ? info['backing-filename'] : undefined,
    clusterSizeBytes: typeof info['cluster-size'] === 'number' ? info['cluster-size'] : undefined,
    compressionType: typeof data?.['compression-type'] === 'string' ? data['compression-type'] : undefined,
  };
}

export interface ImageCheck {
  /** Neither corrupt nor leaking. */
  readonly ok: boolean;
  /** False for formats that have nothing to check (raw). */
  readonly supported: boolean;
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
}

/** Runs `qemu-img check`, read only. What it does not see of a cut file, less than a cluster, counts as one corruption more. */
export async function checkImage(
  path: string,
  format: ImageFormat,
  options: QemuCallOptions = {},
): Promise<ImageCheck> {
  if (format === 'raw') return { ok: true, supported: false, corruptions: 0, leaks: 0, checkErrors: 0 };
  // 2: corruptions, 3: leaks; both are results and no failures of the check.
  const result = asObject(
    await qemuJson(['check', '--output=json', '-f', format, path], options, [0, 2, 3]),
    'check',
  );
  const count = (key: string): number => (typeof result[key] === 'number' ? result[key] : 0);
  const seen = count('corruptions');
  const cut = format === 'qcow2' && seen === 0 && (await isCut(path, count('image-end-offset'), options));
  const counts = {
    corruptions: seen + (cut ? 1 : 0),
    leaks: count('leaks'),
    checkErrors: count('check-errors'),
  };
  return { ok: counts.corruptions + counts.leaks + counts.checkErrors === 0, supported: true, ...counts };
}

/**
 * True if bytes of the disk lie behind the end of a qcow2 file. The last cluster may be a part only (compressed, or at the
 * end of the disk): only the map tells whether what is missing was ever there.
 */
async function isCut(path: string, imageEndBytes: number, options: QemuCallOptions): Promise<boolean> {
  const status = await stat(path);
  const { size } = status;
  // A device has no size here, and is larger than what is on it.
  if (!status.isFile() || imageEndBytes <= size) return false;
  const list = await qemuJson(['map', '--output=json', '-f', 'qcow2', path], options);
  if (!Array.isArray(list)) throw new QemuImgOutputError('qemu-img map wrote no list');
  return list.some((item: unknown) => {
    const { data, zero, offset, length, depth } = asObject(item, 'map');
    // Compressed data has no place here: a part of it does not expand, which is seen when it is read.
    return (
      data === true &&
      zero !== true &&
      depth === 0 &&
      typeof offset === 'number' &&
      offset + asNumber(length) > size
    );
  });
}

/** Where a disk holds data and where it reads as zeros; in order, without gaps, neighbours of a kind joined. */
export async function extents(
  path: string,
  format: ImageFormat = 'raw',
  options: QemuCallOptions = {},
): Promise<Extent[]> {
  const list = await qemuJson(['map', '--output=json', '-f', format, path], {
    timeoutMs: 600_000,
    ...options,
  });
  if (!Array.isArray(list)) throw new QemuImgOutputError('qemu-img map wrote no list');
  const parts = list.map((item: unknown): Extent => {
    const entry = asObject(item, 'map');
    return {
      startBytes: asNumber(entry['start']),
      lengthBytes: asNumber(entry['length']),
      data: entry['data'] === true,
      zero: entry['zero'] === true,
    };
  });
  return joinExtents(parts);
}

/** Joins neighbours of the same kind. */
export function joinExtents(parts: Iterable<Extent>): Extent[] {
  const joined: Extent[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (
      last?.data === part.data &&
      last.zero === part.zero &&
      last.startBytes + last.lengthBytes === part.startBytes
    ) {
      joined[joined.length - 1] = { ...last, lengthBytes: last.lengthBytes + part.lengthBytes };
    } else {
      joined.push(part);
    }
  }
  return joined;
}

async function qemuJson(
  args: readonly string[],
  { timeoutMs = 60_000, signal }: QemuCallOptions,
  allowedExitCodes: readonly number[] = [0],
): Promise<unknown> {
  // The map of a fragmented image has a line of about 100 bytes an extent: allow some two million.
  const { stdout } = await run('qemu-img', args, {
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
    allowedExitCodes: [...allowedExitCodes],
    maxOutputBytes: 256 * 1024 * 1024,
  });
  try {
    return JSON.parse(stdout) as unknown; // checked field by field by the callers
  } catch (error) {
    throw new QemuImgOutputError(`qemu-img ${args[0] ?? ''} wrote no JSON`, { cause: error });
  }
}

function optionalObject(value: unknown): Record<string, unknown> | undefined {
  // A JSON object has string keys; its values stay unknown.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  const object = optionalObject(value);
  if (object === undefined) throw new QemuImgOutputError(`qemu-img ${what} wrote no object`);
  return object;
}

function asNumber(value: unknown): number {
  if (typeof value !== 'number')
    throw new QemuImgOutputError(`qemu-img wrote ${JSON.stringify(value)} in place of a number`);
  return value;
}

function asString(value: unknown): string {
  if (typeof value !== 'string')
    throw new QemuImgOutputError(`qemu-img wrote ${JSON.stringify(value)} in place of a text`);
  return value;
}
