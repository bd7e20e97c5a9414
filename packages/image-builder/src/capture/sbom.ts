import { parseDpkgStatus } from '../phases/package-list.ts';
import { packagePurl } from './package-purl.ts';

export interface SbomFacts {
  /** Of the image. */
  readonly name: string;
  /** Debian's name of the release. */
  readonly release: string;
  /** `/var/lib/dpkg/status` of the image. */
  readonly dpkgStatus: string;
  /** SHA-256 of the raw disk. */
  readonly contentSha256: string;
  /** Seconds since 1970: two builds of the same inputs have the same list. */
  readonly sourceDateEpoch: number;
}

/**
 * The installed packages as CycloneDX 1.6 (JSON): name, version, architecture, source package and package URL of each, by
 * name. Licenses are not told, as Debian's package database does not have them. The same facts give the same text.
 */
export function cycloneDx(facts: SbomFacts): string {
  const { name, release, dpkgStatus, contentSha256, sourceDateEpoch } = facts;
  const sources = sourcePackages(dpkgStatus);
  const components = parseDpkgStatus(dpkgStatus).map((installed) => {
    const purl = packagePurl(installed, release);
    const source = sources.get(`${installed.name}:${installed.architecture}`);
    return {
      type: 'library',
      'bom-ref': purl,
      name: installed.name,
      version: installed.version,
      purl,
      properties: [
        { name: 'osforge:dpkg:architecture', value: installed.architecture },
        { name: 'osforge:dpkg:source', value: source?.name ?? installed.name },
        { name: 'osforge:dpkg:source-version', value: source?.version ?? installed.version },
      ],
    };
  });
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(contentSha256)}`,
    version: 1,
    metadata: {
      timestamp: new Date(sourceDateEpoch * 1000).toISOString(),
      tools: { components: [{ type: 'application', name: 'osforge' }] },
      component: {
        type: 'operating-system',
        'bom-ref': 'image',
        name,
        version: release,
        hashes: [{ alg: 'SHA-256', content: contentSha256 }],
      },
    },
    components,
    dependencies: [{ ref: 'image', dependsOn: components.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** A UUID of version 8 (RFC 9562: what its maker wants) from a digest. */
function uuidOf(sha256: string): string {
  const hex = `${sha256.slice(0, 12)}8${sha256.slice(13, 16)}a${sha256.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** `Source: name` or `Source: name (version)`, where it differs from the package's own; by `name:architecture`. */
function sourcePackages(text: string): Map<string, { name: string; version: string | undefined }> {
  const sources = new Map<string, { name: string; version: string | undefined }>();
  for (const stanza of text.split(/\n\n+/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const source = /^(\S+)(?: \((\S+)\))?\s*$/.exec(field('Source') ?? '');
    if (source?.[1] === undefined) continue;
    const version = source[2] ?? field('Version');
    sources.set(`${field('Package') ?? ''}:${field('Architecture') ?? ''}`, { name: source[1], version });
  }
  return sources;
}
