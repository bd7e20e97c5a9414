// Runs the random graph of a seed in a folder and says each event on a line; killed by kill.test.ts.
import { openCheckpoint } from '@osforge/checkpoint';
import { runPipeline } from '../src/index.ts';
import { randomGraph } from './random-graph.ts';

const [seed = '', directory = '', killAt = ''] = process.argv.slice(2);
let said = 0;
const checkpoint = await openCheckpoint({ directory, buildId: 'test' });
const run = runPipeline({ ...randomGraph(Number(seed), directory), checkpoint, directory });
run.events$.subscribe(({ type, data }) => {
  // A pipe is written to synchronously: the line is out before the kill.
  process.stdout.write(`${type} ${'phase' in data ? (data.phase ?? '') : ''}\n`);
  said += 1;
  if (String(said) === killAt) process.kill(process.pid, 'SIGKILL');
});
const { outcome, error } = await run.result;
await checkpoint.close();
process.stdout.write(`outcome ${outcome} ${error?.message ?? ''}\n`);
