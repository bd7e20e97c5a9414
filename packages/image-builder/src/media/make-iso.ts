import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createSparseFile, makeEsp } from '@osforge/disk-image';
import { run } from '@osforge/process';
import type { InitramfsResult } from '../installer/build-initramfs.ts';
import { bootFiles } from './boot-files.ts';
import { espBytesFor } from './esp-bytes.ts';
import type { MediumIdentifiers } from './medium-identifiers.ts';

export interface MediumRequest {
  /** The file to make. */
  readonly target: string;
  /** Folder with what the medium carries, as `osforge/medium-id` and `osforge/payload`. */
  readonly content: string;
  readonly boot: Pick<InitramfsResult, 'kernel' | 'initramfs' | 'loader'>;
  /** Of the image, for the boot menu. */
  readonly name: string;
  readonly identifiers: MediumIdentifiers;
  /** Seconds since 1970, for every time stamp. */
  readonly epochSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * Makes an ISO that UEFI machines boot from a CD drive (El Torito) and, written onto a stick, by its partition table: one
 * EFI system partition, behind the ISO 9660 file system with the content, serves both. Equal input gives equal bytes.
 */
export async function makeInstallIso(request: MediumRequest): Promise<void> {
  const { target, content, boot, name, identifiers, epochSeconds, signal } = request;
  const esp = `${target}.esp`;
  const files = bootFiles(boot, { name });
  const sizeBytes = await espBytesFor(files);
  await createSparseFile(esp, sizeBytes, { overwrite: true });
  await makeEsp({
    imagePath: esp,
    offsetBytes: 0,
    sizeBytes,
    volumeId: identifiers.volumeId,
    label: 'OSFORGE',
    sourceDateEpoch: epochSeconds,
    temporaryDirectory: path.dirname(target),
    signal,
    files,
  });
  await rm(target, { force: true });
  await run(
    'xorriso',
    [
      // -r: owned by root, readable by all.
      ...['-as', 'mkisofs', '-quiet', '-r', '-V', 'OSFORGE'],
      ...[
        '--set_all_file_dates',
        `=${epochSeconds}`,
        '--gpt_disk_guid',
        identifiers.isoDisk.replaceAll('-', ''),
      ],
      // A first partition that covers the file system, for those who mount it from a stick.
      ...['-partition_offset', '16'],
      ...['-append_partition', '2', '0xef', esp, '-appended_part_as_gpt'],
      ...['-e', '--interval:appended_partition_2:all::', '-no-emul-boot'],
      ...['-o', target, content],
    ],
    { signal, timeoutMs: 60 * 60_000, env: { SOURCE_DATE_EPOCH: String(epochSeconds) } },
  );
  await rm(esp, { force: true });
}
