import { createHash, type Hash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

async function add(hash: Hash, place: string, name: string): Promise<void> {
  const status = await lstat(place);
  if (status.isSymbolicLink()) {
    hash.update(`link ${name}\0${await readlink(place)}\0`);
  } else if (status.isDirectory()) {
    hash.update(`folder ${name}\0`);
    for (const child of (await readdir(place)).sort())
      await add(hash, path.join(place, child), `${name}/${child}`);
  } else {
    const content = await readFile(place);
    hash.update(`file ${name}\0${status.mode & 0o111 ? 'x' : '-'}\0${content.length}\0`).update(content);
  }
}

/** SHA-256 of a file or of everything in a folder: names, kinds, contents, link targets, whether it is executable. */
export async function digestPath(place: string): Promise<string> {
  const hash = createHash('sha256');
  await add(hash, place, '.');
  return hash.digest('hex');
}
