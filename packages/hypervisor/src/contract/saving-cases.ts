import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { filter, firstValueFrom, map, take, timeout, toArray } from 'rxjs';
import { FreezeDisksError, MachineSpecError, RestoreStateError, SaveStateError } from '../errors.ts';
import type { Machine } from '../hypervisor.ts';
import type { MachineSpec } from '../machine-spec.ts';
import { contractCase, contractDisk, limit, type ContractCase } from './contract-case.ts';

/** The next numbers that the guest prints; a line that was cut by a freeze is left out. */
function numbers(machine: Machine, count: number): Promise<number[]> {
  return firstValueFrom(
    machine.console$.pipe(
      filter((line) => /^[A-P]{8}$|DIFFER/.test(line)),
      map((line) => {
        assert.notEqual(line, 'DIFFER', 'memory and disk of the guest differ');
        return Buffer.from(line).reduce((sum, letter) => sum * 16 + letter - 65, 0);
      }),
      take(count),
      toArray(),
      timeout(limit.timeoutMs),
    ),
  );
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** The same machine from its state, on a new overlay of its frozen disk. */
function restored(spec: MachineSpec, restoreFrom: string, overlay: string): MachineSpec {
  const backing = { path: spec.disks[0]?.path ?? '', format: 'raw' as const };
  return { ...spec, restoreFrom, disks: [{ id: contractDisk, path: overlay, format: 'qcow2', backing }] };
}

const isAbsent = (path: string): Promise<boolean> =>
  access(path).then(
    () => false,
    () => true,
  );

export const savingCases: readonly ContractCase[] = [
  contractCase(
    'state and frozen disk belong to one instant, for the guest that goes on and for restored ones',
    async (bench) => {
      const spec = await bench.spec('count');
      const machine = await bench.running(spec);
      await numbers(machine, 2);
      const statePath = bench.path('state');
      const overlays = { [contractDisk]: bench.path('overlay.qcow2') };
      const saved = await machine.saveState({ ...limit, statePath, overlays });
      assert.equal(saved.sha256, await sha256(statePath));
      const frozen = saved.frozenDisks[contractDisk] ?? '';
      const digest = await sha256(frozen);
      const counter = (await readFile(frozen)).readUInt32LE(512);
      assert.equal(await machine.source.readState(), 'running');
      assert.ok(((await numbers(machine, 12)).at(-1) ?? 0) > counter + 8);
      await machine.kill();
      for (const round of ['first', 'second']) {
        const again = await bench.create(restored(spec, statePath, bench.path(`${round}.qcow2`)));
        const seen = numbers(again, 3);
        await again.start(limit);
        const [first = 0, ...rest] = await seen;
        assert.ok(first === counter || first === counter + 1, `it goes on with ${first} after ${counter}`);
        assert.deepEqual(rest, [first + 1, first + 2]);
        await again.kill();
      }
      assert.equal(await sha256(frozen), digest, 'a frozen disk was written');
    },
  ),
  contractCase('disks alone can be frozen, and a paused guest stays paused', async (bench) => {
    const machine = await bench.running('count');
    await numbers(machine, 2);
    await machine.pause(limit);
    const overlays = { [contractDisk]: bench.path('overlay.qcow2') };
    const { frozenDisks } = await machine.freezeDisks({ ...limit, overlays });
    const frozen = frozenDisks[contractDisk] ?? '';
    assert.equal(await machine.source.readState(), 'paused');
    const digest = await sha256(frozen);
    const further = numbers(machine, 3);
    await machine.start(limit);
    await further;
    await machine.kill();
    assert.equal(await sha256(frozen), digest, 'a frozen disk was written');
  }),
  contractCase(
    'a save that is refused or given up leaves no state file, and the guest goes on',
    async (bench) => {
      const machine = await bench.running('count');
      const statePath = bench.path('state');
      const mine = bench.path('mine');
      await writeFile(mine, 'mine');
      const overlays = { [contractDisk]: bench.path('overlay.qcow2') };
      for (const wrong of [{ statePath: mine }, { overlays: {} }, { overlays: { [contractDisk]: mine } }])
        await assert.rejects(
          machine.saveState({ ...limit, statePath, overlays, ...wrong }),
          MachineSpecError,
        );
      assert.equal(await readFile(mine, 'utf8'), 'mine');
      const signal = AbortSignal.abort();
      await assert.rejects(machine.saveState({ ...limit, statePath, overlays, signal }), SaveStateError);
      await assert.rejects(machine.freezeDisks({ ...limit, overlays, signal }), FreezeDisksError);
      assert.ok(await isAbsent(statePath));
      await numbers(machine, 3);
      await machine.saveState({
        ...limit,
        statePath,
        overlays: { [contractDisk]: bench.path('second.qcow2') },
      });
      await numbers(machine, 3);
    },
  ),
  contractCase('a file that is no state is refused, and nothing is left', async (bench) => {
    const spec = await bench.spec('count');
    for (const [name, bytes] of [
      ['empty', ''],
      ['foreign', 'x'.repeat(65_536)],
    ] as const) {
      await writeFile(bench.path(name), bytes);
      await assert.rejects(
        bench.hypervisor.create(restored(spec, bench.path(name), bench.path(`${name}.qcow2`)), limit),
        RestoreStateError,
      );
      assert.deepEqual(await bench.leftovers(), []);
    }
  }),
];
