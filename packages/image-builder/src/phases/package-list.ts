/** One package of an image, as its package database has it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

const byName = (a: InstalledPackage, b: InstalledPackage): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.architecture < b.architecture ? -1 : 1;

/** Parses "name TAB version TAB architecture" lines, as `dpkg-query -W` prints them. Sorted by name. */
export function parsePackageList(text: string): InstalledPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', version = '', architecture = ''] = line.split('\t');
      return { name, version, architecture };
    })
    .sort(byName);
}

/** Parses `/var/lib/dpkg/status` (deb-control(5)) and keeps what is installed. Sorted by name. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const stanza of text.split(/\n\n+/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const name = field('Package');
    const version = field('Version');
    if (name === undefined || version === undefined || field('Status') !== 'install ok installed') continue;
    packages.push({ name, version, architecture: field('Architecture') ?? '' });
  }
  return packages.sort(byName);
}
