import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MachineSpecError, RestoreStateError, SaveStateError, type Machine } from '@osforge/hypervisor';
import { openBench, type Bench } from './support/guest-image.ts';

const LIMIT = { timeout: 300_000 };
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.dispose();
});

/** The guest prints its counter in hexadecimal with A for 0. */
function counterOf(line: string): number {
  expect(line).toMatch(/^[A-P]{8}$/);
  return Buffer.from(line).reduce((sum, letter) => sum * 16 + letter - 65, 0);
}

function counters(machine: Machine, count: number): Promise<number[]> {
  // A guest that was frozen in the middle of a line ends that line first.
  const whole = machine.console$.pipe(filter((line) => !/^[A-P]{0,7}$/.test(line)));
  return firstValueFrom(whole.pipe(take(count), toArray())).then((lines) => lines.map(counterOf));
}

async function counterOnDisk(path: string): Promise<number> {
  const file = await open(path);
  try {
    return (await file.read(Buffer.alloc(4), 0, 4, 512)).buffer.readUInt32LE();
  } finally {
    await file.close();
  }
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function countingMachine(changes = {}): Promise<{ machine: Machine; disk: string }> {
  const spec = await bench.spec('w', changes);
  const machine = await bench.create(spec);
  const up = machine.waitForConsole(/^[A-P]{8}$/);
  await machine.start();
  await up;
  return { machine, disk: spec.disks[0]?.path ?? '' };
}

describe('saving and restoring', LIMIT, () => {
  test('state and frozen disk belong to one instant, for the guest that goes on and for each restored one', async () => {
    const { machine, disk } = await countingMachine();
    const at = (name: string): string => join(bench.folder, name);
    const saved = await machine.saveState({ statePath: at('state'), overlays: { disk: at('over.qcow2') } });
    expect(saved.sha256).toBe(await sha256(at('state')));
    expect(saved.sizeBytes).toBe((await stat(at('state'))).size);
    expect(saved.frozenDisks).toEqual({ disk });
    const frozen = { digest: await sha256(disk), counter: await counterOnDisk(disk) };

    // The guest compares its memory with its disk in each round and would say DIFFER.
    const further = await counters(machine, 20);
    expect(further.at(-1)).toBeGreaterThan(frozen.counter + 10);
    expect(await sha256(disk)).toBe(frozen.digest);

    // A second freeze stands on the first one's overlay.
    const again = await machine.saveState({ statePath: at('state2'), overlays: { disk: at('over2.qcow2') } });
    expect(again.frozenDisks).toEqual({ disk: at('over.qcow2') });
    await counters(machine, 2);
    await machine.kill();

    for (const round of ['a', 'b']) {
      const restored = await bench.create(
        await bench.spec('h', {
          restoreFrom: at('state'),
          disks: [
            {
              id: 'disk',
              path: at(`restored-${round}.qcow2`),
              format: 'qcow2',
              backing: { path: disk, format: 'raw' },
            },
          ],
        }),
      );
      const seen = counters(restored, 3);
      await restored.start();
      const [first = 0, ...rest] = await seen;
      // The line of the frozen counter may have been printed before or after the freeze.
      expect([frozen.counter, frozen.counter + 1]).toContain(first);
      expect(rest).toEqual([first + 1, first + 2]);
      await restored.kill();
      expect(await sha256(disk)).toBe(frozen.digest);
    }

    const second = await bench.create(
      await bench.spec('h', {
        restoreFrom: at('state2'),
        disks: [
          {
            id: 'disk',
            path: at('restored-c.qcow2'),
            format: 'qcow2',
            backing: { path: at('over.qcow2'), format: 'qcow2' },
          },
        ],
      }),
    );
    const seen = counters(second, 2);
    await second.start();
    const [first = 0] = await seen;
    expect(first).toBeGreaterThan(frozen.counter);
  });

  test('nothing reaches the overlay while the state is written', async () => {
    const { machine, disk } = await countingMachine();
    await machine.pause();
    const overlay = join(bench.folder, 'over.qcow2');
    await machine.saveState({ statePath: join(bench.folder, 'state'), overlays: { disk: overlay } });
    // A paused machine stays paused, so that the overlay can be looked at as it was when the state was complete.
    expect(await machine.source.readState()).toBe('paused');
    const empty = (await stat(overlay)).size;
    const counter = await counterOnDisk(disk);
    const next = counters(machine, 3);
    await machine.start();
    await next;
    await machine.stop({ gracefulTimeoutMs: 0 });
    expect((await stat(overlay)).size).toBeGreaterThan(empty);
    expect(await counterOnDisk(disk)).toBe(counter);
  });

  test('disks alone can be frozen: the guest goes on in its overlays, and no memory is written', async () => {
    const { machine, disk } = await countingMachine();
    const before = new Set(await readdir(bench.folder));
    const overlay = join(bench.folder, 'over.qcow2');
    const report = await machine.freezeDisks({ overlays: { disk: overlay } });
    expect(report.frozenDisks).toEqual({ disk });
    const frozen = { digest: await sha256(disk), counter: await counterOnDisk(disk) };
    expect((await counters(machine, 10)).at(-1)).toBeGreaterThan(frozen.counter);
    expect(await sha256(disk)).toBe(frozen.digest);
    expect((await readdir(bench.folder)).filter((name) => !before.has(name))).toEqual(['over.qcow2']);

    await expect(machine.freezeDisks({ overlays: { disk: overlay } })).rejects.toBeInstanceOf(
      MachineSpecError,
    );
    const nowhere = join(bench.folder, 'no-such-folder', 'over.qcow2');
    const error = await machine.freezeDisks({ overlays: { disk: nowhere } }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'HYPERVISOR_FREEZE_DISKS', overlaysInUse: false, continued: true });
    await counters(machine, 3);
    // A state can be saved on top of it.
    const statePath = join(bench.folder, 'state');
    await machine.saveState({ statePath, overlays: { disk: join(bench.folder, 'over2.qcow2') } });
  });

  test('a state that cannot be written leaves the guest running and no file', async () => {
    const { machine } = await countingMachine();
    const statePath = join(bench.folder, 'no-such-folder', 'state');
    const overlays = { disk: join(bench.folder, 'over.qcow2') };
    const error = await machine.saveState({ statePath, overlays }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(SaveStateError);
    expect(error).toMatchObject({ overlaysInUse: true, continued: true });
    await counters(machine, 3);
    expect(await readdir(bench.folder)).not.toContain('state');
    // And it can be done again, on a new overlay.
    await machine.saveState({
      statePath: join(bench.folder, 'state'),
      overlays: { disk: join(bench.folder, 'over2.qcow2') },
    });
    await counters(machine, 3);
  });

  test('a cancelled save leaves the guest running and no file', async () => {
    const { machine } = await countingMachine();
    const saving = new AbortController();
    const statePath = join(bench.folder, 'state');
    // The first thing that a save does is to stop the guest.
    const paused = firstValueFrom(machine.source.state$);
    const saved = machine.saveState({
      statePath,
      overlays: { disk: join(bench.folder, 'over.qcow2') },
      signal: saving.signal,
    });
    const outcome = saved.catch((cause: unknown) => cause);
    expect(await paused).toBe('paused');
    saving.abort(new Error('enough'));
    expect(await outcome).toMatchObject({ code: 'HYPERVISOR_SAVE_STATE', continued: true });
    await counters(machine, 3);
    const left = await readdir(bench.folder);
    expect(left.filter((name) => name.startsWith('state'))).toEqual([]);
  });

  test('refuses existing files, missing and unknown overlays before it touches the guest', async () => {
    const { machine, disk } = await countingMachine();
    const statePath = join(bench.folder, 'state');
    const overlay = join(bench.folder, 'over.qcow2');
    for (const overlays of [{}, { disk }, { disk: overlay, other: overlay }]) {
      await expect(machine.saveState({ statePath, overlays })).rejects.toBeInstanceOf(MachineSpecError);
    }
    await writeFile(statePath, 'mine');
    await expect(machine.saveState({ statePath, overlays: { disk: overlay } })).rejects.toMatchObject({
      field: 'statePath',
    });
    expect(await readFile(statePath, 'utf8')).toBe('mine');
    await counters(machine, 2);
  });

  test('a torn or foreign state file is refused by type and nothing is left running', async () => {
    const { machine, disk } = await countingMachine();
    const statePath = join(bench.folder, 'state');
    await machine.saveState({ statePath, overlays: { disk: join(bench.folder, 'over.qcow2') } });
    await machine.kill();
    const whole = await readFile(statePath);
    for (const [name, bytes] of [
      ['torn', whole.subarray(0, whole.length >> 1)],
      ['foreign', Buffer.alloc(65536, 'x')],
      ['empty', Buffer.alloc(0)],
    ] as const) {
      const bad = join(bench.folder, name);
      await writeFile(bad, bytes);
      const spec = await bench.spec('w', {
        restoreFrom: bad,
        disks: [
          {
            id: 'disk',
            path: join(bench.folder, `${name}.qcow2`),
            format: 'qcow2',
            backing: { path: disk, format: 'raw' },
          },
        ],
      });
      await expect(bench.create(spec)).rejects.toBeInstanceOf(RestoreStateError);
      expect(await readdir(spec.runtimeDir)).toEqual([]);
    }
  });

  test('a UEFI machine is saved and restored with its variables', async () => {
    const at = (name: string): string => join(bench.folder, name);
    const uefi = { memoryMiB: 128, boot: { kind: 'uefi', variablesPath: at('vars.fd') } } as const;
    const machine = await bench.create(await bench.spec('h', uefi));
    const firmware = machine.waitForConsole(/BdsDxe/);
    await machine.start();
    await firmware;
    await machine.saveState({ statePath: at('state'), overlays: { disk: at('over.qcow2') } });
    await machine.kill();
    const backing = { path: at('guest-h.raw'), format: 'raw' as const };
    const restored = await bench.create(
      await bench.spec('h', {
        ...uefi,
        boot: { kind: 'uefi', variablesPath: at('vars2.fd') },
        restoreFrom: at('state'),
        disks: [{ id: 'disk', path: at('restored.qcow2'), format: 'qcow2', backing }],
      }),
    );
    await restored.start();
    expect(await restored.source.readState()).toBe('running');
    await restored.stop({ gracefulTimeoutMs: 0 });
    expect((await stat(at('vars2.fd'))).size).toBe((await stat(at('vars.fd'))).size);
  });

  test('a restored machine may not write to the frozen disk', async () => {
    const raw = await bench.spec('w', { restoreFrom: '/nowhere' });
    await expect(bench.create(raw)).rejects.toBeInstanceOf(MachineSpecError);
  });
});
