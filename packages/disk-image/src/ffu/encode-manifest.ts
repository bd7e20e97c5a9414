import type { GptLayout } from '../gpt/layout.ts';

export interface ManifestRequest {
  readonly gpt: GptLayout;
  readonly platformIds: readonly string[];
  /** Four numbers with dots. */
  readonly osVersion: string;
  readonly description: string;
  readonly devicePath: string;
  readonly blockBytes: number;
}

type Section = readonly [string, Readonly<Record<string, string>>];

/**
 * The manifest of a file with one store: ASCII, CRLF, sections [FullFlash], [Store], [Partition]…; the values that the
 * strictest reader demands. Never as long that it would end on a chunk boundary behind the image header.
 */
export function encodeManifest(request: ManifestRequest, imageHeaderBytes: number): Uint8Array {
  const { gpt, platformIds, osVersion, devicePath } = request;
  const sections: Section[] = [
    [
      'FullFlash',
      {
        OSVersion: osVersion,
        AntiTheftVersion: '1.1',
        Description: printable(request.description) || 'osforge',
        UEFI: 'True',
        Version: '2.0',
        ...Object.fromEntries(platformIds.map((id, index) => [`DevicePlatformId${index}`, id])),
      },
    ],
    [
      'Store',
      {
        StoreId: `{${gpt.diskGuid}}`,
        IsMainOSStore: 'True',
        DevicePath: devicePath,
        StoreType: 'Default',
        OnlyAllocateDefinedGptEntries: 'False',
        MinSectorCount: String(gpt.diskSizeBytes / gpt.sectorSize),
        SectorSize: String(gpt.sectorSize),
      },
    ],
    ...partitionSections(gpt),
  ];
  const text = sections.map(sectionText).join('');
  const filling = (imageHeaderBytes + text.length) % request.blockBytes === 0 ? '\r\n' : '';
  return Buffer.from(text + filling, 'latin1');
}

function partitionSections({ partitions, sectorSize }: GptLayout): Section[] {
  const taken = new Set<string>();
  return partitions.map(({ name, typeGuid, sizeBytes }, index): Section => {
    // Names are unique and not empty here, whatever they are in the GPT.
    let label = printable(name) || `Partition${index + 1}`;
    if (taken.has(label)) label = `${label}_${index + 1}`;
    while (taken.has(label)) label = `${label}_`;
    taken.add(label);
    const sectors = String(sizeBytes / sectorSize);
    return [
      'Partition',
      {
        Name: label,
        Type: `{${typeGuid.toUpperCase()}}`,
        TotalSectors: sectors,
        UsedSectors: sectors,
        RequiredToFlash: 'True',
      },
    ];
  });
}

function sectionText([name, values]: Section): string {
  const width = Math.max(...Object.keys(values).map((key) => key.length));
  const lines = Object.entries(values).map(([key, value]) => `${key.padEnd(width)} = ${value}`);
  return [`[${name}]`, ...lines, ''].map((line) => `${line}\r\n`).join('');
}

/** One line of printable ASCII; the rest becomes `_`. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '_').trim();
}
