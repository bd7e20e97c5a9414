import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test(
  'runs that end in any way leave no rejection, listener, timer or memory behind',
  { timeout: 300_000 },
  async () => {
    const script = fileURLToPath(new URL('./leak-child.ts', import.meta.url));
    // That it ends by itself shows that nothing keeps the process alive.
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      '--conditions=@osforge/source',
      script,
    ]);
    const left: unknown = JSON.parse(stdout);
    expect(left).toMatchObject({ unhandled: [], listeners: 0, resources: 0, timers: 0 });
    // A run that stayed reachable would hold its events, phases and record: tens of kilobytes.
    expect(left).toHaveProperty(
      'heapBytesPerRun',
      expect.toSatisfy((bytes: number) => bytes < 5000),
    );
  },
);
