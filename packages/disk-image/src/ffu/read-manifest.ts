import { FfuFormatError } from '../errors.ts';

export interface ManifestSection {
  readonly name: string;
  /** In the file's order; where a key is repeated, the last one. */
  readonly values: ReadonlyMap<string, string>;
}

const maxSections = 4096;

/**
 * Parses the INI text: sections, `key = value`; other lines are ignored, as the readers do.
 * @throws FfuFormatError for an absurd number of sections
 */
export function readManifest(bytes: Uint8Array, offsetBytes: number): ManifestSection[] {
  const sections: { name: string; values: Map<string, string> }[] = [];
  for (const raw of Buffer.from(bytes).toString('latin1').split('\n')) {
    const line = raw.trim();
    const title = /^\[([^\]]{1,64})\]/.exec(line)?.[1];
    if (title !== undefined) {
      if (sections.length >= maxSections)
        throw new FfuFormatError('manifest', offsetBytes, `more than ${maxSections} sections`);
      sections.push({ name: title, values: new Map() });
      continue;
    }
    const equals = line.indexOf('=');
    if (equals > 0) sections.at(-1)?.values.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  return sections;
}

export interface StoreGeometry {
  /** Undefined where the manifest does not say. */
  readonly sectorSize: number | undefined;
  readonly sectorCount: number | undefined;
}

/** What the [Store] sections say of sectors, one for each store in their order. */
export function storeGeometries(
  sections: readonly ManifestSection[],
  offsetBytes: number,
): readonly StoreGeometry[] {
  return sections
    .filter(({ name }) => name.toLowerCase() === 'store')
    .map(({ values }) => {
      const number = (key: string): number | undefined => {
        for (const [name, text] of values) {
          if (name.toLowerCase() !== key.toLowerCase()) continue;
          const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
          if (!Number.isSafeInteger(value))
            throw new FfuFormatError('manifest', offsetBytes, `${key} is "${text.slice(0, 40)}"`);
          return value;
        }
        return undefined;
      };
      const sectorSize = number('SectorSize');
      if (sectorSize !== undefined && sectorSize !== 512 && sectorSize !== 4096)
        throw new FfuFormatError('manifest', offsetBytes, `a sector size of ${sectorSize}`);
      return { sectorSize, sectorCount: number('MinSectorCount') };
    });
}
