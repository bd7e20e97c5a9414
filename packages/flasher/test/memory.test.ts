import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { expect, test } from 'vitest';
import { image, loopDevice, mebibyte, scratch, selected, tool } from './scratch.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** JavaScript as in the published package: to strip TypeScript takes megabytes itself. */
async function builtChild(outDir: string): Promise<string> {
  await build({
    // The process that writes and its threads are started from files beside the one that starts them.
    entry: {
      child: file('memory-child.ts'),
      'engine-process': file('../src/engine-process.ts'),
      'digest-worker': file('../src/engine/digest-worker.ts'),
    },
    config: false,
    silent: true,
    format: 'esm',
    platform: 'node',
    outDir,
    noExternal: [/.*/],
    esbuildOptions: (options) => {
      options.conditions = ['@osforge/source'];
    },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return join(outDir, 'child.js');
}

test('as root: sixteen targets of a compressed image take less than 200 MiB in both processes together', async () => {
  const folder = scratch();
  const program = await builtChild(join(folder, 'dist'));
  const raw = image(folder, 96 * mebibyte, 2);
  tool('zstd', '-q', '-1', raw);
  const devices = Array.from({ length: 16 }, (_, index) => {
    const backing = join(folder, String(index));
    tool('truncate', `--size=${96 * mebibyte}`, backing);
    return loopDevice(backing);
  });
  const job = { source: `${raw}.zst`, targets: await Promise.all(devices.map(selected)) };
  const report = tool(process.execPath, program, JSON.stringify(job));
  // Printed by memory-child.ts.
  const { totalMebibytes, complete } = JSON.parse(report) as { totalMebibytes: number; complete: number };
  expect(complete).toBe(16);
  expect(totalMebibytes).toBeGreaterThan(60);
  expect(totalMebibytes).toBeLessThan(200);
});
