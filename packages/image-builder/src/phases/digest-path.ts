import { createHash, type Hash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { BuildConsistencyError } from '../errors.ts';

async function add(hash: Hash, place: string, name: string): Promise<void> {
  const status = await lstat(place);
  if (status.isSymbolicLink()) {
    hash.update(`link ${name}\0${await readlink(place)}\0`);
  } else if (status.isDirectory()) {
    hash.update(`folder ${name}\0`);
    for (const child of (await readdir(place)).sort())
      await add(hash, path.join(place, child), `${name}/${child}`);
  } else if (!status.isFile()) {
    // A named pipe would be waited for without end.
    throw new BuildConsistencyError(
      `${place} is neither a file, a folder nor a link: take it out of the recipe's folder`,
    );
  } else {
    const content = await readFile(place);
    hash.update(`file ${name}\0${status.mode & 0o111 ? 'x' : '-'}\0${content.length}\0`).update(content);
  }
}

/** The digest of what is at the end of a symbolic link, for those who read through it. */
export async function digestTarget(place: string): Promise<string> {
  return digestPath(await realpath(place));
}

/**
 * SHA-256 of a file or of everything in a folder: names, kinds, contents, link targets, whether it is executable. A
 * symbolic link counts as a link, for those who copy it as one.
 */
export async function digestPath(place: string): Promise<string> {
  const hash = createHash('sha256');
  await add(hash, place, '.');
  return hash.digest('hex');
}
