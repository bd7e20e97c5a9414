import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Scripts that run in the image or in the build machine; published beside the code. */
export type AssetName = 'agent.sh' | 'generalize.sh' | 'install.sh' | 'tree-hook.sh';

/** Absolute path of a script in the package's `assets` folder. */
export function assetPath(name: AssetName): string {
  // `src/asset.ts` and the bundled `dist/index.js` are both one folder below the package.
  return fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
}

/** SHA-256 of a script, for the key of the phase that uses it. */
export async function assetDigest(name: AssetName): Promise<string> {
  return createHash('sha256')
    .update(await readFile(assetPath(name)))
    .digest('hex');
}

/** Absolute paths of the scripts of the installer that deployment media carry, ordered by name. */
export async function installerAssets(): Promise<string[]> {
  const folder = fileURLToPath(new URL('../assets/installer', import.meta.url));
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

/** SHA-256 over the names and contents of those scripts, for the key of the phase that uses them. */
export async function installerAssetsDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const path of await installerAssets()) {
    const content = await readFile(path);
    hash.update(`${basename(path)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
