/** One apt source: an archive, a suite of it and components. */
export interface PackageSource {
  /** Base address of the archive; for a flat repository the folder. */
  uri: string;
  /** Suite as in the archive's `dists` folder, or `./` for a flat repository. */
  suite: string;
  /** Empty for a flat repository. */
  components: readonly string[];
  /** Keyring file that the index must be signed with; without it the source is used unsigned. */
  signedBy?: string;
}

/** A source of the machine, before it is known whether it is of use. */
export interface MachineSource extends PackageSource {
  /** Empty: all. */
  architectures: readonly string[];
}

/** Sources as a deb822 file of apt. Pure; equal sources give equal text. */
export function renderSources(sources: readonly PackageSource[]): string {
  return sources
    .map(({ uri, suite, components, signedBy }) =>
      [
        'Types: deb',
        `URIs: ${uri}`,
        `Suites: ${suite}`,
        ...(components.length === 0 ? [] : [`Components: ${components.join(' ')}`]),
        'Architectures: amd64',
        signedBy === undefined ? 'Trusted: yes' : `Signed-By: ${signedBy}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}
