import assert from 'node:assert/strict';
import { decideVerdict, type VmVerdictKind } from '@osforge/vm-events';
import { contractCase, limit, type ContractCase, type ContractGuest } from './contract-case.ts';

/** A guest that ends by itself, and what that is when its file system says "clean". */
function endsAs(guest: ContractGuest, kind: VmVerdictKind, name: string): ContractCase {
  return contractCase(name, async (bench) => {
    const machine = await bench.create(await bench.spec(guest));
    const stopped = machine.waitForState('stopped', limit);
    await machine.start(limit);
    const evidence = await machine.ended;
    assert.equal(decideVerdict({ ...evidence, filesystem: 'clean' }).kind, kind);
    assert.equal(evidence.timedOut, false);
    assert.equal(await stopped, 'stopped');
    // Who asks later hears the same, and has heard all that was said.
    assert.deepEqual(await machine.waitForEnd(limit), evidence);
    assert.ok(machine.lastConsoleLines(1000).includes('guest up'));
    assert.deepEqual(await bench.leftovers(), [], 'the end was told before all was removed');
  });
}

export const endCases: readonly ContractCase[] = [
  endsAs('power-off', 'clean', 'a guest that powers off ends clean'),
  endsAs('reset', 'reset', 'a guest that resets is not clean'),
  endsAs('panic', 'panic', 'a guest that panics is not clean'),
  contractCase('a machine that is killed is neither clean nor silent about it', async (bench) => {
    const machine = await bench.running('stand-still');
    const stopped = machine.waitForState('stopped', limit);
    await Promise.all([machine.kill(), machine.kill()]);
    assert.equal(decideVerdict({ ...(await machine.ended), filesystem: 'clean' }).kind, 'killed');
    assert.equal(await stopped, 'stopped');
    await machine.kill();
  }),
  contractCase('a guest that does not end runs into the deadline and is left as it is', async (bench) => {
    const machine = await bench.running('stand-still');
    const evidence = await machine.waitForEnd({ timeoutMs: 20 });
    assert.equal(evidence.timedOut, true);
    assert.equal(decideVerdict({ ...evidence, filesystem: 'clean' }).kind, 'timeout');
    assert.equal(await machine.source.readState(), 'running');
  }),
];
