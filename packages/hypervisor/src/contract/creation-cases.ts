import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { HypervisorError, MachineCancelledError, MachineSpecError, MachineTimeoutError } from '../errors.ts';
import { contractCase, contractDisk, limit, type ContractCase } from './contract-case.ts';

export const creationCases: readonly ContractCase[] = [
  contractCase('a created machine waits for its start, so that nothing it says is missed', async (bench) => {
    const machine = await bench.create(await bench.spec('power-off'));
    assert.equal(await machine.source.readState(), 'starting');
    assert.deepEqual(machine.lastConsoleLines(10), []);
    assert.notDeepEqual(await bench.leftovers(), [], 'the bench does not see what there is of a machine');
    const lines: string[] = [];
    machine.console$.subscribe((line) => lines.push(line));
    const running = machine.waitForState('running', limit);
    await machine.start(limit);
    assert.equal(await running, 'running');
    await machine.ended;
    assert.ok(lines.includes('guest up'), `it said: ${lines.join(' | ')}`);
  }),
  contractCase('a second start changes nothing, and a start after a pause goes on', async (bench) => {
    const machine = await bench.running('stand-still');
    await machine.start(limit);
    assert.equal(await machine.source.readState(), 'running');
    await machine.pause(limit);
    await machine.pause(limit);
    assert.equal(await machine.waitForState('paused', limit), 'paused');
    await machine.start(limit);
    assert.equal(await machine.waitForState('running', limit), 'running');
  }),
  contractCase('a machine after its end cannot be started or paused', async (bench) => {
    const machine = await bench.create(await bench.spec('stand-still'));
    await machine.kill();
    await assert.rejects(machine.start(limit), Error);
    await assert.rejects(machine.pause(limit), Error);
  }),
  contractCase('a creation that fails leaves nothing', async (bench) => {
    const { hypervisor } = bench;
    const spec = await bench.spec('stand-still');
    await assert.rejects(hypervisor.create({ ...spec, memoryMiB: 0 }, limit), MachineSpecError);
    await assert.rejects(hypervisor.create(spec, { timeoutMs: 1 }), MachineTimeoutError);
    const signal = AbortSignal.abort();
    await assert.rejects(hypervisor.create(spec, { ...limit, signal }), MachineCancelledError);
    const disks = [{ id: contractDisk, path: bench.path('absent.raw'), format: 'raw' as const }];
    await assert.rejects(hypervisor.create({ ...spec, disks }, limit), HypervisorError);
    assert.deepEqual(await bench.leftovers(), []);
  }),
  contractCase(
    'a disk that another machine writes is refused, and that machine is not disturbed',
    async (bench) => {
      const spec = await bench.spec('stand-still');
      const machine = await bench.create(spec);
      await assert.rejects(bench.hypervisor.create(spec, limit), HypervisorError);
      await machine.start(limit);
      assert.equal(await machine.waitForState('running', limit), 'running');
    },
  ),
  contractCase('two machines run side by side and end apart', async (bench) => {
    const one = await bench.running('stand-still');
    const other = await bench.running('heed-button');
    await one.kill();
    assert.equal(await other.source.readState(), 'running');
    await rm(one.consoleLog, { force: true });
    assert.equal((await other.stop({ gracefulTimeoutMs: limit.timeoutMs })).rung, 'acpi');
  }),
];
