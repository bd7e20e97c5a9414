import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Distribution, Updates } from '../recipe/recipe.ts';
import { KeyringMissingError, SourcesMissingError } from './errors.ts';
import type { MachineSource, PackageSource } from './package-source.ts';
import { parseDeb822Sources, parseOneLineSources } from './parse-sources.ts';

/** The keys of Debian's archive, of the package debian-archive-keyring. */
export const archiveKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface RecipeSourcesOptions {
  /** The machine's apt settings; default `/etc/apt`. */
  etcApt?: string;
  /** Keyring that every index must be signed with; default Debian's own of the package debian-archive-keyring. */
  keyring?: string;
}

/**
 * Where the packages of a recipe come from: its mirrors where it names them, else the machine's own
 * sources of Debian's archive. Throws {@link SourcesMissingError} and {@link KeyringMissingError}.
 */
export async function sourcesForRecipe(
  { distribution, updates }: { distribution: Distribution; updates: Updates },
  { etcApt = '/etc/apt', keyring = archiveKeyring }: RecipeSourcesOptions = {},
): Promise<PackageSource[]> {
  await access(keyring).catch((cause: unknown) => {
    throw new KeyringMissingError(keyring, { cause });
  });
  const { release, components, snapshot = '' } = distribution;
  let machine: MachineSource[] | undefined;
  const sources: PackageSource[] = [];
  for (const { suite, mirror } of wantedSuites(distribution, updates)) {
    if (mirror !== undefined) {
      sources.push({ uri: mirror.replaceAll('{snapshot}', snapshot), suite, components, signedBy: keyring });
      continue;
    }
    machine ??= await machineSources(etcApt);
    const found = debianSources(machine, suite, components);
    if (found.length === 0) {
      // A machine without the updates suite is not an error; one without the release or security fixes is.
      if (suite === `${release}-updates`) continue;
      throw new SourcesMissingError(suite, etcApt);
    }
    sources.push(...found.map((entry) => ({ ...entry, signedBy: keyring })));
  }
  return sources;
}

function wantedSuites(
  { release, mirror, securityMirror }: Distribution,
  updates: Updates,
): { suite: string; mirror: string | undefined }[] {
  return [
    { suite: release, mirror },
    ...(updates.stable ? [{ suite: `${release}-updates`, mirror }] : []),
    ...(updates.security ? [{ suite: `${release}-security`, mirror: securityMirror }] : []),
  ];
}

/** Those sources of the machine that have a suite of Debian itself; pure. */
function debianSources(
  machine: readonly MachineSource[],
  suite: string,
  components: readonly string[],
): PackageSource[] {
  const seen = new Set<string>();
  return machine.flatMap((entry): PackageSource[] => {
    const shared = components.filter((component) => entry.components.includes(component));
    const usable =
      entry.suite.replace(/\/$/, '') === suite &&
      shared.length > 0 &&
      (entry.architectures.length === 0 || entry.architectures.includes('amd64')) &&
      /^(https?|file|copy|mirror(\+\w+)?):/.test(entry.uri) &&
      signedByDebian(entry);
    const key = `${entry.uri} ${shared.join(' ')}`;
    if (!usable || seen.has(key)) return [];
    seen.add(key);
    return [{ uri: entry.uri, suite: entry.suite, components: shared }];
  });
}

/** A third party's archive may have a suite of the same name; it then comes with a key of its own. */
function signedByDebian({ signedBy }: MachineSource): boolean {
  if (signedBy === undefined) return true;
  return signedBy.split(/[\s,]+/).every((path) => basename(path).startsWith('debian-archive-'));
}

async function machineSources(etcApt: string): Promise<MachineSource[]> {
  const parts = join(etcApt, 'sources.list.d');
  const names = (await readdir(parts).catch((): string[] => [])).sort();
  const sources = parseOneLineSources(await textOf(join(etcApt, 'sources.list')));
  for (const name of names) {
    // apt reads no other names there.
    if (!/^[A-Za-z0-9._-]+\.(list|sources)$/.test(name)) continue;
    const text = await textOf(join(parts, name));
    sources.push(...(name.endsWith('.list') ? parseOneLineSources(text) : parseDeb822Sources(text)));
  }
  return sources;
}

/** A file that is missing or not readable has no sources for us. */
async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
