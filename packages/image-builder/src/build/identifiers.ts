import { createHash } from 'node:crypto';

/**
 * A UUID that is always the same for the same seed and role: two builds of one recipe get the same disk and
 * file-system ids, which byte-reproducible images need. Version 8 (RFC 9562: vendor-specific) of a SHA-256.
 */
export function derivedUuid(seed: string, role: string): string {
  const digest = createHash('sha256').update(`${seed}\0${role}`).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** The identifiers of one image's disk. */
export interface DiskIdentifiers {
  readonly disk: string;
  readonly esp: string;
  readonly root: string;
  readonly rootFileSystem: string;
  /** Seed of ext4's directory hashes: fixed, so that directories are laid out alike. */
  readonly hashSeed: string;
  /** FAT volume serial number, 8 hex digits. */
  readonly espVolumeId: string;
}

export function diskIdentifiers(seed: string): DiskIdentifiers {
  return {
    disk: derivedUuid(seed, 'disk'),
    esp: derivedUuid(seed, 'esp'),
    root: derivedUuid(seed, 'root'),
    rootFileSystem: derivedUuid(seed, 'root-file-system'),
    hashSeed: derivedUuid(seed, 'hash-seed'),
    espVolumeId: derivedUuid(seed, 'esp-volume').slice(0, 8),
  };
}
