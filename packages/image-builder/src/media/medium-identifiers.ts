import { createHash } from 'node:crypto';
import { derivedUuid } from '../build/identifiers.ts';

/** What tells one set of media from another; derived from what is on them, so that equal ones are equal. */
export interface MediumIdentifiers {
  /** The text of `osforge/medium-id`. */
  readonly mediumId: string;
  /** Disk GUID of the ISO's partition table. */
  readonly isoDisk: string;
  /** Disk GUID of the stick. */
  readonly stickDisk: string;
  /** Partition GUID of the stick's one partition. */
  readonly stickPartition: string;
  /** FAT volume serial number, 8 hex digits. */
  readonly volumeId: string;
}

/** @param content texts that decide what the media do: settings, parts, names */
export function mediumIdentifiers(content: readonly string[]): MediumIdentifiers {
  const hash = createHash('sha256');
  for (const text of content) hash.update(`${Buffer.byteLength(text)}\0`).update(text);
  const mediumId = hash.digest('hex').slice(0, 32);
  return {
    mediumId,
    isoDisk: derivedUuid(mediumId, 'iso'),
    stickDisk: derivedUuid(mediumId, 'stick'),
    stickPartition: derivedUuid(mediumId, 'stick-partition'),
    volumeId: derivedUuid(mediumId, 'volume').slice(0, 8),
  };
}
