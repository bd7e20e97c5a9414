import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readElf } from './elf.ts';
import { InstallerContentError } from './errors.ts';

/** Folders of a package's tree that hold libraries, in the order in which they are looked through. */
const libraryFolders = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib64', 'usr/lib64'];

/**
 * Paths of the libraries that programs need, directly or not, by the name that they ask for; the dynamic loader is
 * among them. Throws {@link InstallerContentError} for one that is in none of the trees.
 *
 * @param trees folders that packages were unpacked into
 */
export async function sharedLibraries(
  programs: readonly string[],
  trees: readonly string[],
): Promise<Map<string, string>> {
  const present = await librariesIn(trees);
  const found = new Map<string, string>();
  const queue = [...programs];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const { needed, interpreter } = readElf(await readFile(file));
    const names = interpreter === undefined ? needed : [...needed, interpreter.replace(/^.*\//, '')];
    for (const name of names) {
      if (found.has(name)) continue;
      const library = present.get(name);
      if (library === undefined)
        throw new InstallerContentError(`${file} needs the library ${name}, which none of the packages has`);
      const path = await realpath(library);
      found.set(name, path);
      queue.push(path);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function librariesIn(trees: readonly string[]): Promise<Map<string, string>> {
  const present = new Map<string, string>();
  for (const tree of trees) {
    for (const folder of libraryFolders) {
      for (const name of await readdir(join(tree, folder)).catch((): string[] => [])) {
        if (name.includes('.so') && !present.has(name)) present.set(name, join(tree, folder, name));
      }
    }
  }
  return present;
}
