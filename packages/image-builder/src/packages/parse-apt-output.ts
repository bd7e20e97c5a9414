/** One line of `apt-get --print-uris`. */
export interface PrintedUri {
  uri: string;
  name: string;
  version: string;
  architecture: string;
  fileName: string;
  sizeBytes: number;
  sha256: string;
}

/** Archives that `apt-get --print-uris install` would fetch; the line's digest is SHA-256 by Acquire::ForceHash. */
export function parsePrintedUris(output: string): PrintedUri[] {
  return output.split('\n').flatMap((line): PrintedUri[] => {
    const match = /^'([^']+)' (([^_\s]+)_([^_\s]+)_([^_\s]+)\.deb) (\d+) SHA256:([0-9a-f]{64})$/.exec(
      line.trim(),
    );
    if (match === null) return [];
    const [, uri = '', fileName = '', name = '', version = '', architecture = '', size = '', sha256 = ''] =
      match;
    return [
      {
        uri,
        fileName,
        name,
        version: decodeURIComponent(version),
        architecture,
        sizeBytes: Number(size),
        sha256,
      },
    ];
  });
}

/** `name=version` of each line of `apt-cache madison`, with the suites that have it, in alphabetical order. */
export function parseMadison(output: string): Map<string, string[]> {
  const suites = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const [name, version, origin] = line.split('|').map((part) => part.trim());
    const suite = / ([^\s/]+)(\/\S*)? \S+ Packages$/.exec(origin ?? '')?.[1];
    if (name === undefined || version === undefined || suite === undefined) continue;
    const key = `${name}=${version}`;
    const list = suites.get(key);
    if (list === undefined) suites.set(key, [suite]);
    else if (!list.includes(suite)) list.push(suite);
  }
  for (const list of suites.values()) list.sort();
  return suites;
}

/** Packages that apt's lines say no index has, as they were asked for. */
export function parseUnknownPackages(lines: readonly string[]): { name: string; providers: string[] }[] {
  const found = new Map<string, string[]>();
  const providers = new Map<string, string[]>();
  let virtual: string | undefined;
  for (const line of lines) {
    const unknown =
      /^E: Unable to locate package (\S+)/.exec(line)?.[1] ??
      /^E: Couldn't find any package by (?:glob|regex) '([^']+)'/.exec(line)?.[1] ??
      /^E: Package '([^']+)' has no installation candidate/.exec(line)?.[1];
    if (unknown !== undefined) found.set(unknown, []);
    const version = /^E: Version '([^']+)' for '([^']+)' was not found/.exec(line);
    if (version !== null) found.set(`${(version[2] ?? '').replace(/:\w+$/, '')}=${version[1] ?? ''}`, []);
    const start = /^Package (\S+) is a virtual package provided by/.exec(line)?.[1];
    if (start !== undefined) virtual = start;
    const provider = virtual === undefined ? undefined : /^ {2}(\S+) /.exec(line)?.[1];
    if (virtual !== undefined && provider !== undefined)
      providers.set(virtual, [
        ...new Set([...(providers.get(virtual) ?? []), provider.replace(/:\w+$/, '')]),
      ]);
  }
  return [...found.keys()].map((name) => ({ name, providers: providers.get(name) ?? [] }));
}
