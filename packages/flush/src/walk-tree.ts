import { join } from 'node:path';
import { classifyError } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import type { FileSystem } from './file-system.ts';

export interface Tree {
  /** Paths of regular files, sorted. */
  files: string[];
  /** Paths of folders; each comes after the folders within it, and the root is the last. */
  foldersDeepestFirst: string[];
}

/** Lists a tree without following links. */
export async function walkTree(fs: FileSystem, root: string, deadline: Deadline): Promise<Tree> {
  const files: string[] = [];
  const folders = [root];
  // The list grows while it is walked: parents always stand before their children.
  for (const folder of folders) {
    try {
      for (const entry of await deadline.step('readdir', () => fs.readdir(folder))) {
        if (entry.isDirectory()) folders.push(join(folder, entry.name));
        else if (entry.isFile()) files.push(join(folder, entry.name));
      }
    } catch (error) {
      throw classifyError(error, folder, 'readdir');
    }
  }
  return { files: files.sort(), foldersDeepestFirst: folders.reverse() };
}
