import { access, chmod, constants, lstat, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { PreflightError } from '../errors.ts';
import type { BuildLayout } from './layout.ts';
import { currentUser } from './user-namespace.ts';

/**
 * Private. As root apt fetches as its own user, who must find the way through to the indexes; what else is directly in
 * the folder (record, journal, lock) is readable to its owner alone.
 */
const stateMode = process.getuid?.() === 0 ? 0o711 : 0o700;

const anotherFolder = 'Choose another folder with --out';

/**
 * Makes the build's folder, or sees to it that one that is there can be used, before anything is started: a folder
 * that another user made (by a build with sudo, say) or a read-only disk would else be noticed at a commit.
 * @throws PreflightError
 */
export async function prepareOutputFolder({
  directory,
  state,
  events,
  work,
  logs,
}: BuildLayout): Promise<void> {
  try {
    // Node's mkdir tells of a missing folder where the disk is read-only.
    await access(await nearestFolder(directory), constants.W_OK);
    await mkdir(state, { recursive: true });
    const inside = (await readdir(state)).map((name) => path.join(state, name));
    for (const place of [directory, state, ...inside]) await checkUsable(place, events);
    // Disks and saved machines hold what the image holds, password hashes too; the umask is for what the user gets.
    await chmod(state, stateMode);
    for (const place of inside) if (place === work || place === logs) await chmod(place, 0o700);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof PreflightError) throw error;
    throw await refusal(error, state);
  }
}

async function checkUsable(place: string, events: string): Promise<void> {
  const isFolder = (await lstat(place)).isDirectory();
  await access(place, constants.R_OK | constants.W_OK | (isFolder ? constants.X_OK : 0));
  if (place === events && isFolder) throw problem(`${place} is a folder`, 'Remove it.');
}

async function refusal(error: Error, state: string): Promise<PreflightError> {
  const code = 'code' in error ? error.code : undefined;
  const place = 'path' in error && typeof error.path === 'string' ? error.path : state;
  switch (code) {
    case 'EROFS':
      return problem(`${place} is on a read-only file system`, `${anotherFolder}.`);
    case 'EACCES':
    case 'EPERM': {
      const user = currentUser();
      const owner = (await lstat(await nearestFolder(place))).uid;
      return problem(
        `${user.name} cannot write to ${place}${owner === user.uid ? '' : `, which belongs to user ${owner}`}`,
        `${anotherFolder}, build as that user, or give the folder away (as root: chown -R ${user.name}: FOLDER).`,
      );
    }
    case 'ENOTDIR':
    case 'EEXIST':
      return problem(`${place} is not a folder`, `${anotherFolder}.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return problem(
        `there is no space left to make ${place}`,
        `Free some space, or choose another folder with --out.`,
      );
    default:
      return problem(`${place} cannot be used: ${error.message}`, `${anotherFolder}.`);
  }
}

/** The folder itself, or that of its parents that is there. */
async function nearestFolder(place: string): Promise<string> {
  const status = await lstat(place).catch(() => undefined);
  return status === undefined && place !== path.dirname(place) ? nearestFolder(path.dirname(place)) : place;
}

function problem(detail: string, remedy: string): PreflightError {
  return new PreflightError([{ name: 'output folder', ok: false, detail, remedy }]);
}
