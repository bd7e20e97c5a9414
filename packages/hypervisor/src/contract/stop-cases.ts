import assert from 'node:assert/strict';
import { decideVerdict } from '@osforge/vm-events';
import { contractCase, limit, type ContractCase } from './contract-case.ts';

export const stopCases: readonly ContractCase[] = [
  contractCase(
    'the power button is enough for a guest that heeds it; a second stop has nothing to do',
    async (bench) => {
      const machine = await bench.running('heed-button');
      const report = await machine.stop({ gracefulTimeoutMs: limit.timeoutMs });
      assert.equal(report.rung, 'acpi');
      assert.deepEqual(await bench.leftovers(), [], 'the stop was told before all was removed');
      assert.equal(decideVerdict({ ...(await machine.ended), filesystem: 'clean' }).kind, 'clean');
      const again = await machine.stop();
      assert.equal(again.rung, 'already-stopped');
      assert.deepEqual(again.attempts, []);
    },
  ),
  contractCase(
    'a guest that does not heed its button is ended all the same, also by two stops at once',
    async (bench) => {
      const machine = await bench.running('stand-still');
      const [report] = await Promise.all([
        machine.stop({ gracefulTimeoutMs: 50 }),
        machine.stop({ gracefulTimeoutMs: 50 }),
      ]);
      assert.ok(!['acpi', 'already-stopped'].includes(report.rung), report.rung);
      assert.deepEqual(
        report.attempts.slice(0, 1).map(({ rung, outcome }) => [rung, outcome]),
        [['acpi', 'no-effect']],
      );
      assert.equal(report.attempts.at(-1)?.outcome, 'ended');
      assert.equal(decideVerdict({ ...(await machine.ended), filesystem: 'clean' }).kind, 'killed');
    },
  ),
  contractCase('a guest that stands still is not asked to press its button', async (bench) => {
    const machine = await bench.create(await bench.spec('heed-button'));
    const [first, ...rest] = (await machine.stop({ gracefulTimeoutMs: limit.timeoutMs })).attempts;
    assert.equal(first?.rung, 'acpi');
    assert.equal(first.outcome, 'skipped');
    assert.equal(rest.at(-1)?.outcome, 'ended');
  }),
  contractCase('a machine that answers nothing any more is ended on the last rung', async (bench) => {
    const machine = await bench.running('stand-still');
    bench.stall(machine);
    const report = await machine.stop({ gracefulTimeoutMs: 50, quitTimeoutMs: 50 });
    assert.equal(report.rung, 'sigkill');
    assert.equal((await machine.ended).exit?.signal, 'SIGKILL');
  }),
  contractCase('a fired signal cuts the ladder short', async (bench) => {
    const machine = await bench.running('stand-still');
    const cut = new AbortController();
    const stopping = machine.stop({ gracefulTimeoutMs: 2 ** 31 - 1, signal: cut.signal });
    cut.abort();
    assert.equal((await stopping).rung, 'sigkill');
  }),
];
