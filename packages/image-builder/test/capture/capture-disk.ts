import { identifiersOf, imageLayout } from '../../src/phases/disk.ts';
import { environmentOf } from '../phases/environment.ts';
import { fillDisk } from '../sample-disk.ts';

/** The smallest disk of a recipe; it is sparse. */
export const diskLines: string = 'disk: { size: 1088M, espSize: 64M }\n';

const status = `Package: hello
Status: install ok installed
Architecture: amd64
Version: 2.10
`;

/** A disk like those of phase `disk`, with a package database and some files, by their paths. */
export async function makeCaptureDisk(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
  epochSeconds: number,
): Promise<string> {
  const environment = await environmentOf(folder, diskLines);
  const identifiers = identifiersOf(environment);
  const layout = imageLayout(environment, identifiers);
  return fillDisk({
    folder,
    files: { 'var/lib/dpkg/status': status, ...files },
    layout,
    identifiers,
    epochSeconds,
  });
}
