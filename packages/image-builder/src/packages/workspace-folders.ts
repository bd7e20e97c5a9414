import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderAptConfig } from './apt-config.ts';
import { renderSources, type PackageSource } from './package-source.ts';

/** Paths of a workspace; one set of sources has one folder, so that changing them never mixes indexes. */
export interface WorkspaceFolders {
  root: string;
  configPath: string;
  lists: string;
  /** Package state files: empty, and those of base systems. */
  state: string;
  lockPath: string;
  /** Touched after each refresh. */
  stampPath: string;
}

/** Where the workspace of these sources is below `directory`; pure. */
export function workspaceFolders(directory: string, sources: readonly PackageSource[]): WorkspaceFolders {
  const key = createHash('sha256').update(renderSources(sources)).digest('hex').slice(0, 16);
  const root = join(directory, key);
  return {
    root,
    configPath: join(root, 'apt.conf'),
    lists: join(root, 'state', 'lists'),
    state: join(root, 'state'),
    lockPath: join(root, 'lock'),
    stampPath: join(root, 'state', 'refreshed'),
  };
}

/**
 * Makes the folders and files that apt needs. Safe to repeat, and while another process uses them; `isOnlyUser` says
 * that nobody else does right now.
 */
export async function prepareWorkspace(
  folders: WorkspaceFolders,
  sources: readonly PackageSource[],
  { settings, isOnlyUser }: { settings: readonly string[]; isOnlyUser: boolean },
): Promise<void> {
  const { root } = folders;
  const parts = ['etc/apt.conf.d', 'etc/preferences.d', 'etc/sources.list.d', 'etc/trusted.gpg.d'];
  for (const part of [...parts, 'state/lists/partial', 'cache/archives/partial', 'log'])
    await mkdir(join(root, part), { recursive: true });
  await removeRemains(root, isOnlyUser ? 0 : 3_600_000);
  await writeIfDifferent(join(root, 'status'), '');
  await writeIfDifferent(join(root, 'etc/sources.list.d/osforge.sources'), renderSources(sources));
  // A proxy's address may hold a password.
  await writeIfDifferent(
    folders.configPath,
    renderAptConfig(root, { settings, isRoot: process.getuid?.() === 0 }),
    0o600,
  );
}

/** An apt that was killed while it wrote its cache leaves a file of some 40 MB; we, when killed, one of our own. */
async function removeRemains(root: string, minAgeMs: number): Promise<void> {
  for (const [folder, pattern] of [
    ['cache', /^(src)?pkgcache\.bin\./],
    ['', freshName],
    ['state', freshName],
    ['etc/sources.list.d', freshName],
  ] as const) {
    for (const name of await readdir(join(root, folder))) {
      if (!pattern.test(name)) continue;
      const path = join(root, folder, name);
      const { mtimeMs = Date.now() } = (await stat(path).catch(() => undefined)) ?? {};
      // A younger one may be in the hands of a running apt.
      if (Date.now() - mtimeMs >= minAgeMs) await rm(path, { force: true });
    }
  }
}

const freshName = /\.[0-9a-f-]{36}\.new$/;

/** Replaces a file in one step, and leaves an equal one alone. Several may do so at once. */
export async function writeIfDifferent(path: string, text: string, mode = 0o644): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === text) return;
  const fresh = `${path}.${randomUUID()}.new`;
  await writeFile(fresh, text, { mode });
  await rename(fresh, path);
}
