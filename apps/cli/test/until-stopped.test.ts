import { expect, test } from 'vitest';
import { untilStopped } from '../src/host/until-stopped.ts';
import { fakeHost } from './support/fake-host.ts';

/** Work that ends when it is told to, and then tidies up. */
function work(): { run: (signal: AbortSignal) => Promise<never>; tidy: () => void } {
  let tidy = (): void => {};
  const tidied = new Promise<void>((resolve) => {
    tidy = resolve;
  });
  return {
    tidy: () => {
      tidy();
    },
    async run(signal) {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
      });
      await tidied;
      throw signal.reason;
    },
  };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'a %s that npm, Nx or timeout pass on again is still one: the work may tidy up',
  async (signal) => {
    const host = fakeHost();
    const { run, tidy } = work();
    const ended = untilStopped(host, run);
    host.send(signal);
    host.clock = 40;
    host.send(signal);
    expect(host.exits).toEqual([]);
    tidy();
    expect(await ended).toBe(130);
  },
);

test('a second press ends the process, whatever the work is doing', async () => {
  const host = fakeHost();
  const { run, tidy } = work();
  const ended = untilStopped(host, run);
  host.send('SIGINT');
  host.clock = 1000;
  host.send('SIGINT');
  expect(host.exits).toEqual([130]);
  tidy();
  await ended;
});
