import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/** `npx nx bench cli --profile cpu` is of the process that is started; each start overwrites the profile of the last. */
const profile = process.env['OSFORGE_BENCH_PROFILE'];
const profileFlags =
  profile === undefined
    ? []
    : [
        `--${profile}-prof`,
        `--${profile}-prof-dir=${process.env['OSFORGE_BENCH_PROFILE_FOLDER'] ?? '.'}`,
        `--${profile}-prof-name=osforge-help.${profile}profile`,
      ];

const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function node(...args: readonly string[]): () => void {
  return () => {
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
    if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(status)}`);
  };
}

// The bar is 150 ms for `osforge --help`; what is ours of it is the difference to a bare Node.js.
test('start of the command line', { timeout: 120_000 }, async ({ bench }) => {
  await bench.compare(
    bench('osforge --help', node(...profileFlags, entry, '--help')),
    bench('floor: node -e 0', node('-e', '0')),
  );
});
