import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
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
