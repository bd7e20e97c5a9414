/** One binary package of a resolved set, as the signed index describes it. */
export interface ResolvedPackage {
  name: string;
  /** Debian version, with its epoch. */
  version: string;
  /** `amd64` or `all`. */
  architecture: string;
  /** File name that apt gives the archive: `name_version_arch.deb`, the epoch's colon as `%3a`. */
  fileName: string;
  /** Where apt gets it from. */
  uri: string;
  sizeBytes: number;
  /** In hex. */
  sha256: string;
  /** Code name of the suite (`bookworm-security`); the first in alphabetical order if several have it. */
  suite: string;
  /** The package's paragraph in the index, without an empty line at its end. */
  stanza: string;
}

/** Ordered by name; no name twice. */
export type ResolvedSet = readonly ResolvedPackage[];

/** What `withApps` has that `base` has not: new packages and other versions, in the order of `withApps`. Pure. */
export function delta(base: ResolvedSet, withApps: ResolvedSet): ResolvedPackage[] {
  const known = new Map(base.map((entry) => [entry.name, entry]));
  return withApps.filter((entry) => {
    const other = known.get(entry.name);
    return other?.version !== entry.version || other.architecture !== entry.architecture;
  });
}

/** Sum of the archives' sizes in bytes. */
export function downloadSize(set: ResolvedSet): number {
  return set.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
