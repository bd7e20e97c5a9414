import { homedir } from 'node:os';
import path from 'node:path';

/** Where everything of one build lies. All paths are absolute. */
export interface BuildLayout {
  readonly buildId: string;
  /** What the user gets: artifacts, `manifest.json`, `SHA256SUMS`. */
  readonly directory: string;
  /** The builder's own state below it: checkpoint, logs, intermediate artifacts. */
  readonly state: string;
  /** Disks, saved machines: for nobody else's eyes. */
  readonly work: string;
  /** apt's root with the package indexes; apt lets go of root's rights to fetch them, so it can be looked into. */
  readonly indexes: string;
  readonly logs: string;
  readonly events: string;
  /** Downloads and probes that all builds of this user share. */
  readonly cache: string;
}

/** Folder of downloads and probes: `OSFORGE_CACHE_DIR`, else `XDG_CACHE_HOME/osforge`, else `~/.cache/osforge`. */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment['OSFORGE_CACHE_DIR'];
  if (own) return path.resolve(own);
  const xdg = environment['XDG_CACHE_HOME'];
  return path.join(xdg && path.isAbsolute(xdg) ? xdg : path.join(homedir(), '.cache'), 'osforge');
}

export function stateDirectory(outDirectory: string, buildId: string): string {
  return path.join(path.resolve(outDirectory), buildId, '.osforge');
}

export function layOut(outDirectory: string, buildId: string, cache: string): BuildLayout {
  const directory = path.join(path.resolve(outDirectory), buildId);
  const state = stateDirectory(outDirectory, buildId);
  return {
    buildId,
    directory,
    state,
    work: path.join(state, 'work'),
    indexes: path.join(state, 'indexes'),
    logs: path.join(state, 'logs'),
    events: path.join(state, 'events.ndjson'),
    cache,
  };
}
