import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

/** A program of the tests as users have it, in JavaScript: to strip types off the sources takes memory as well. */
export async function builtChild(
  folder: string,
  child: string,
  worker: 'pack-worker' | 'check-worker',
): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await build({
    // Threads are started from a file beside the one that starts them.
    entry: { child, [worker]: fileURLToPath(new URL(`../../src/ffu/${worker}.ts`, import.meta.url)) },
    config: false,
    silent: true,
    format: 'esm',
    platform: 'node',
    outDir: join(folder, 'dist'),
    noExternal: [/.*/],
    esbuildOptions: (options) => {
      options.conditions = ['@osforge/source'];
    },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return join(folder, 'dist/child.js');
}
