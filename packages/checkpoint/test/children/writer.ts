// Updates several builds as fast as it can, and says of each update that it is durable: `<build> <count>`.
import { once } from 'node:events';
import { openCheckpoint } from '@osforge/checkpoint';

const [, , directory = '', builds = '1', filler = '0'] = process.argv;

async function write(index: number): Promise<never> {
  const checkpoint = await openCheckpoint({ directory, buildId: `b${index}` });
  const stored = checkpoint.record.facts['count'];
  let count = typeof stored === 'number' ? stored : 0;
  for (;;) {
    count += 1;
    // The text shows a record that is put together from two.
    const text = String(count % 10).repeat(Number(filler));
    await checkpoint.update((record) => ({ ...record, facts: { count, text } }));
    const line = `${index} ${count}\n`;
    // In the pipe before the next update begins.
    await new Promise((resolve) => process.stdout.write(line, resolve));
  }
}

// Started ahead of time: the test says when.
await once(process.stdin, 'data');
await Promise.all(Array.from({ length: Number(builds) }, (_, index) => write(index)));
