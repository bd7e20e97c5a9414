import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  BUILD_ID_PATTERN,
  CheckpointBuildIdError,
  listCheckpoints,
  openCheckpoint,
  runLedger,
  type BuildRecord,
  type CleanReport,
  type LockOwner,
} from '@osforge/checkpoint';
import { removeStaleTemps } from '@osforge/flush';
import { removeEmptyFolders } from '../capture/earlier-files.ts';
import { phaseNames } from '../phases/names.ts';
import { removeReceipts } from '../usb/receipts.ts';
import { stateDirectory } from './layout.ts';
import { assertOwn, ledgerHandlers } from './ledger-handlers.ts';
import { removeTree } from './remove-tree.ts';
import { builtFiles, type BuiltFile } from './start-build.ts';

/** One build below an output folder. */
export interface BuildSummary {
  readonly buildId: string;
  readonly directory: string;
  /** `running`: a live process holds it. `invalid`: its record cannot be read; see `problem`. */
  readonly state: 'running' | 'complete' | 'incomplete' | 'invalid';
  /** 0–100. */
  readonly percentComplete: number;
  /** ISO 8601; absent where the record cannot be read. */
  readonly updatedAt?: string;
  /** The phase that a next run would start with; absent when complete. */
  readonly nextPhase?: string;
  /** Resources that a killed run left behind. */
  readonly leftovers: number;
  readonly problem?: string;
}

export interface BuildDetails extends BuildSummary {
  readonly record?: BuildRecord;
  readonly artifacts: readonly BuiltFile[];
  readonly owner?: LockOwner;
}

/** No build with this id is below the output folder. */
export class BuildNotFoundError extends Error {
  readonly code = 'BUILD_NOT_FOUND';
  readonly buildId: string;
  constructor(buildId: string, outDirectory: string) {
    super(`there is no build "${buildId}" in ${outDirectory}; "osforge builds list" shows what there is`);
    this.name = 'BuildNotFoundError';
    this.buildId = buildId;
  }
}

/** Every build below an output folder, by id. An absent folder has none. */
export async function listBuilds(outDirectory: string): Promise<BuildSummary[]> {
  const entries = await readdir(outDirectory, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory() && BUILD_ID_PATTERN.test(entry.name));
  const builds = await Promise.all(names.map(({ name }) => findBuild(outDirectory, name)));
  return builds
    .filter((build) => build !== undefined)
    .map(summaryOf)
    .sort((a, b) => (a.buildId < b.buildId ? -1 : 1));
}

function summaryOf(details: BuildDetails): BuildSummary {
  const { buildId, directory, state, percentComplete, updatedAt, nextPhase, leftovers, problem } = details;
  return {
    ...{ buildId, directory, state, percentComplete, leftovers },
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(nextPhase === undefined ? {} : { nextPhase }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** @throws BuildNotFoundError, CheckpointBuildIdError */
export async function showBuild(outDirectory: string, buildId: string): Promise<BuildDetails> {
  if (!BUILD_ID_PATTERN.test(buildId)) throw new CheckpointBuildIdError(buildId);
  const build = await findBuild(outDirectory, buildId);
  if (!build) throw new BuildNotFoundError(buildId, outDirectory);
  return build;
}

async function findBuild(outDirectory: string, buildId: string): Promise<BuildDetails | undefined> {
  const state = stateDirectory(outDirectory, buildId);
  const directory = path.dirname(state);
  const found = (await listCheckpoints(state)).find((listing) => listing.buildId === buildId);
  if (!found) return undefined;
  const { record, error, owner } = found;
  const base = { buildId, directory, ...(owner === undefined ? {} : { owner }) };
  if (!record) {
    return {
      ...base,
      state: 'invalid',
      percentComplete: 0,
      leftovers: 0,
      artifacts: [],
      problem: error?.message ?? 'its record is gone',
    };
  }
  const nextPhase = phaseNames.find((name) => record.phases[name] === undefined);
  return {
    ...base,
    state: owner?.alive === true ? 'running' : nextPhase === undefined ? 'complete' : 'incomplete',
    percentComplete: record.percentComplete,
    updatedAt: record.updatedAt,
    ...(nextPhase === undefined ? {} : { nextPhase }),
    leftovers: record.ledger.length,
    record,
    artifacts: builtFiles(record),
  };
}

export interface CleanOptions {
  /** Remove the whole build with its artifacts, not only what a killed run left; default false. */
  readonly all?: boolean;
}

/**
 * Removes what a killed run of a build left behind, from its ledger alone; with `all` the whole build as well. What the
 * next run goes on with is no leftover and stays without `all`: finished phases, journals of sticks, a begun FFU.
 * What could not be removed keeps the build's record, which is all that knows of it.
 * @throws BuildNotFoundError; CheckpointLockedError while a process works on it; LedgerPathError where its record names
 * an artifact that is not in its folder
 */
export async function cleanBuild(
  outDirectory: string,
  buildId: string,
  { all = false }: CleanOptions = {},
): Promise<CleanReport> {
  const { directory } = await showBuild(outDirectory, buildId);
  const checkpoint = await openCheckpoint({ directory: stateDirectory(outDirectory, buildId), buildId });
  let gone = false;
  try {
    const report = await runLedger(checkpoint, ledgerHandlers(directory));
    await removeStaleTemps(directory);
    if (!all) return report;
    for (const { path: file } of builtFiles(checkpoint.record)) {
      const place = path.resolve(directory, file);
      await assertOwn(place, directory);
      await rm(place, { force: true });
      await removeEmptyFolders(path.dirname(place), directory);
    }
    await removeReceipts(directory);
    await removeTree(path.join(stateDirectory(outDirectory, buildId), 'work'));
    gone = report.failed.length + report.blocked.length + report.unknown.length === 0;
    return report;
  } finally {
    await checkpoint.close();
    if (gone) {
      // The rest of the state goes last: until then a second run of clean finds its way.
      await removeTree(stateDirectory(outDirectory, buildId));
      await removeIfEmpty(directory);
    }
  }
}

async function removeIfEmpty(directory: string): Promise<void> {
  if ((await readdir(directory).catch(() => ['?'])).length === 0)
    await rm(directory, { recursive: true, force: true });
}
