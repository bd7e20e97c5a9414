import { access, constants } from 'node:fs/promises';
import type { PreflightCheck } from '../errors.ts';
import { archiveKeyring, sourcesForRecipe } from '../packages/recipe-sources.ts';

/** Where a build looks; the defaults are the machine's own. */
export interface SourcesPlaces {
  readonly etcApt?: string;
  readonly keyring?: string;
}

const distribution = { id: 'debian', release: 'bookworm', components: ['main'] } as const;

/** Whether the keys are there without which no package is accepted. */
export async function checkKeyring({
  keyring = archiveKeyring,
}: SourcesPlaces = {}): Promise<PreflightCheck> {
  const check = { name: 'archive keyring', why: 'checks the signatures of the packages' };
  try {
    await access(keyring, constants.R_OK);
    return { ...check, ok: true, detail: keyring };
  } catch {
    return {
      ...check,
      ok: false,
      detail: `${keyring} is not there`,
      remedy: 'apt-get install --no-install-recommends debian-archive-keyring',
      debianPackage: 'debian-archive-keyring',
    };
  }
}

/** Whether the machine's apt settings have Debian's archive, for recipes that name no mirror of their own. */
export async function checkSources({ etcApt = '/etc/apt' }: SourcesPlaces = {}): Promise<PreflightCheck> {
  const check = { name: 'package sources', why: 'where packages come from, unless a recipe names a mirror' };
  const { release } = distribution;
  try {
    // The keyring has a check of its own, so something that is there stands for it.
    const sources = await sourcesForRecipe(
      { distribution: { ...distribution, components: ['main'] }, updates: { stable: true, security: true } },
      { etcApt, keyring: '/' },
    );
    const suites = [...new Set(sources.map(({ suite }) => suite))].join(', ');
    return { ...check, ok: true, detail: `${suites} in ${etcApt}` };
  } catch (error) {
    return {
      ...check,
      ok: false,
      detail: error instanceof Error ? (error.message.split('. ', 1)[0] ?? error.message) : String(error),
      remedy:
        `Add Debian's archive with the suites ${release} and ${release}-security to ${etcApt}/sources.list.d, ` +
        'or give distribution.mirror and distribution.securityMirror in the recipe.',
    };
  }
}
