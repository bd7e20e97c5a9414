import { expect, test } from 'vitest';
import { timedWait, type VmWait } from '../../src/machine/vm-wait.ts';

test('a wait is told with its end and its duration', async () => {
  const told: VmWait[] = [];
  const tell = (wait: VmWait): void => {
    told.push(wait);
  };
  await expect(
    timedWait(
      'boot',
      tell,
      () => Promise.resolve(7),
      () => 'timeout',
    ),
  ).resolves.toBe(7);
  const failing = timedWait(
    'save',
    tell,
    () => Promise.reject(new Error('gone')),
    () => 'ok',
  );
  await expect(failing).rejects.toThrow('gone');
  expect(told).toMatchObject([
    { wait: 'boot', outcome: 'timeout' },
    { wait: 'save', outcome: 'cancelled' },
  ]);
  expect(told.every(({ durationMs }) => durationMs >= 0)).toBe(true);
});
