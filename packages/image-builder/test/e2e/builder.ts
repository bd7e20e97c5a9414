/**
 * One build in a process of its own, for tests that kill it: prints every event as a line of JSON.
 *
 *   node --conditions=@osforge/source builder.ts RECIPE OUT [BUILD-ID] [CACHE]
 *
 * SIGINT cancels. The exit code is 0 when the build is done or unchanged, 130 when it was cancelled, else 1.
 */
import { loadRecipe, startBuild } from '@osforge/image-builder';

const [recipe = '', outDirectory = '', buildId, cacheDirectory] = process.argv.slice(2);
const cancel = new AbortController();
process.once('SIGINT', () => {
  cancel.abort(new Error('SIGINT'));
});
const build = await startBuild(await loadRecipe(recipe), {
  outDirectory,
  signal: cancel.signal,
  ...(buildId ? { buildId } : {}),
  ...(cacheDirectory ? { cacheDirectory } : {}),
});
build.bus.events$.subscribe((event) => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
});
const result = await build.result;
if (result.error) process.stderr.write(`${result.error.message}\n`);
process.exitCode = { completed: 0, unchanged: 0, failed: 1, cancelled: 130 }[result.outcome];
