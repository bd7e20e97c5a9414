// Runs the random graph of a seed in a folder and says each event on a line; killed by kill.test.ts.
import { openCheckpoint } from '@osforge/checkpoint';
import { runPipeline } from '../src/index.ts';
import { randomGraph } from './random-graph.ts';

const [seed = '', directory = ''] = process.argv.slice(2);
const checkpoint = await openCheckpoint({ directory, buildId: 'test' });
const run = runPipeline({ ...randomGraph(Number(seed), directory), checkpoint, directory });
run.events$.subscribe(({ type, data }) => {
  process.stdout.write(`${type} ${'phase' in data ? (data.phase ?? '') : ''}\n`);
});
const { outcome, error } = await run.result;
await checkpoint.close();
process.stdout.write(`outcome ${outcome} ${error?.message ?? ''}\n`);
