import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createOverlay,
  createQemuHypervisor,
  isOverlay,
  MachineCancelledError,
  MachineGoneError,
  MachineSpecError,
  MachineStartError,
  MachineTimeoutError,
  SocketPathTooLongError,
  type Machine,
} from '@osforge/hypervisor';
import { decideVerdict } from '@osforge/vm-events';
import { openBench, type Bench } from './support/guest-image.ts';

const LIMIT = { timeout: 300_000 };
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.dispose();
});

async function mediumOf(machine: Machine, id: string): Promise<string | undefined> {
  // query-block's shape is QEMU's, read here only as far as the test needs it.
  const blocks = (await machine.qmp.execute('query-block')) as {
    qdev?: string;
    inserted?: { file?: string };
  }[];
  return blocks.find((block) => block.qdev?.split('/').includes(id))?.inserted?.file;
}

describe('creating', LIMIT, () => {
  test('a machine waits until it is started, so that nothing it says is missed', async () => {
    const machine = await bench.create(await bench.spec('p'));
    expect(await machine.source.readState()).toBe('starting');
    const lines: string[] = [];
    machine.console$.subscribe((line) => lines.push(line));
    const running = machine.waitForState('running');
    await machine.start();
    expect(await running).toBe('running');
    await machine.ended;
    expect(lines).toContain('guest up');
  });

  test('the sockets are in a folder that is ours alone', async () => {
    const spec = await bench.spec('h');
    await chmod(spec.runtimeDir, 0o755);
    await bench.create(spec);
    expect((await stat(spec.runtimeDir)).mode & 0o777).toBe(0o700);
  });

  test('QEMU’s own words are in the error, and nothing is left', async () => {
    const spec = await bench.spec('h', { extra: ['-device', 'no-such-device'] });
    const error = await bench.create(spec).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MachineStartError);
    expect(String(error)).toContain('no-such-device');
    expect(await readdir(spec.runtimeDir)).toEqual([]);
    expect(await readFile(spec.qemuLog ?? '', 'utf8')).toContain('no-such-device');
  });

  test('a disk that another machine writes is refused', async () => {
    const spec = await bench.spec('h');
    await bench.create(spec);
    await expect(bench.create(spec)).rejects.toThrow(/lock/);
  });

  test('bad specs are refused before anything starts', async () => {
    const long = join(bench.folder, 'x'.repeat(90));
    await expect(bench.create(await bench.spec('h', { runtimeDir: long }))).rejects.toBeInstanceOf(
      SocketPathTooLongError,
    );
    expect(await readdir(long)).toEqual([]);
    const disk = { id: '1st', path: '/nowhere', format: 'raw' as const };
    for (const [changes, field] of [
      [{ disks: [disk] }, 'disks[0].id'],
      [{ memoryMiB: 0.5 }, 'memoryMiB'],
      [{ channels: ['a', 'a'] }, 'channels[1]'],
      [{ channels: ['a,b'] }, 'channels[0]'],
    ] as const) {
      const error = await bench.create(await bench.spec('h', changes)).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(MachineSpecError);
      expect(error).toMatchObject({ field });
    }
  });

  test('a deadline and a signal end the creation and the process', async () => {
    const program = join(bench.folder, 'never-ready');
    await writeFile(program, '#!/bin/sh\nexec tail -f /dev/null\n', { mode: 0o755 });
    const spec = await bench.spec('h');
    const hypervisor = createQemuHypervisor({ program });
    await expect(hypervisor.create(spec, { timeoutMs: 200 })).rejects.toBeInstanceOf(MachineTimeoutError);
    const stop = new AbortController();
    const creating = hypervisor.create(spec, { signal: stop.signal });
    stop.abort();
    await expect(creating).rejects.toBeInstanceOf(MachineCancelledError);
    expect(await readdir(spec.runtimeDir)).toEqual([]);
  });

  test('UEFI: the variable store is made from the template once', async () => {
    const variablesPath = join(bench.folder, 'vars.fd');
    const spec = await bench.spec('h', { boot: { kind: 'uefi', variablesPath }, memoryMiB: 128 });
    const machine = await bench.create(spec);
    const firmware = machine.waitForConsole(/BdsDxe|UEFI/);
    await machine.start();
    expect(await firmware).toMatch(/BdsDxe|UEFI/);
    await machine.stop({ gracefulTimeoutMs: 0 });
    expect((await stat(variablesPath)).size).toBeGreaterThan(64 * 1024);
    await writeFile(variablesPath, Buffer.from('mine'), { flag: 'r+' });
    await expect(bench.create(spec)).resolves.toBeDefined();
    expect((await readFile(variablesPath)).subarray(0, 4).toString()).toBe('mine');
  });
});

describe('the CD drive', LIMIT, () => {
  test('a medium is put in, changed and taken out', async () => {
    const machine = await bench.create(await bench.spec('h', { cdrom: { id: 'cd' } }));
    await machine.start();
    const [one, two] = [join(bench.folder, 'one.iso'), join(bench.folder, 'two, with comma.iso')];
    for (const path of [one, two]) await writeFile(path, Buffer.alloc(1024 * 1024, path));
    expect(await mediumOf(machine, 'cd')).toBeUndefined();
    await machine.ejectMedium('cd');
    for (const path of [one, two]) {
      await machine.insertMedium('cd', path);
      expect(await mediumOf(machine, 'cd')).toBe(path);
    }
    await machine.ejectMedium('cd');
    expect(await mediumOf(machine, 'cd')).toBeUndefined();
    await expect(machine.insertMedium('cd', join(bench.folder, 'none.iso'))).rejects.toMatchObject({
      code: 'VM_EVENTS_QMP_COMMAND',
    });
  });

  test('it may start with a medium', async () => {
    const path = join(bench.folder, 'one.iso');
    await writeFile(path, Buffer.alloc(1024 * 1024));
    const machine = await bench.create(await bench.spec('h', { cdrom: { id: 'cd', path } }));
    expect(await mediumOf(machine, 'cd')).toBe(path);
  });
});

describe('an I/O error', LIMIT, () => {
  test('pauses the guest and is the verdict at once, without waiting for an end that does not come', async () => {
    const machine = await bench.create(
      await bench.spec('w', {
        disks: [],
        extra: [
          '-blockdev',
          JSON.stringify({
            driver: 'blkdebug',
            'node-name': 'faulty',
            image: { driver: 'file', filename: join(bench.folder, 'guest-w.raw') },
            'inject-error': [{ event: 'none', iotype: 'write', sector: 1, errno: 28 }],
          }),
          '-device',
          'virtio-blk-pci,drive=faulty,werror=stop,bootindex=1',
        ],
      }),
    );
    await machine.start();
    const evidence = await machine.ended;
    expect(evidence.ioError).toMatchObject({ operation: 'write', action: 'stop', noSpace: true });
    expect(decideVerdict(evidence)).toMatchObject({ kind: 'io-error' });
    expect(decideVerdict(evidence).summary).toContain('no space');
    expect((await machine.stop()).rung).toBe('quit');
  });
});

describe('waiting for the console', LIMIT, () => {
  test('ends with the machine, with the deadline and with the signal', async () => {
    const machine = await bench.create(await bench.spec('p'));
    await expect(machine.waitForConsole(/never/, { timeoutMs: 10 })).rejects.toBeInstanceOf(
      MachineTimeoutError,
    );
    await expect(machine.waitForConsole(/never/, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      MachineCancelledError,
    );
    const gone = machine.waitForConsole(/never/).catch((cause: unknown) => cause);
    await machine.start();
    expect(await gone).toBeInstanceOf(MachineGoneError);
    await expect(machine.waitForConsole(/never/)).rejects.toBeInstanceOf(MachineGoneError);
  });
});

describe('overlays', LIMIT, () => {
  test('an overlay is never made over an existing file', async () => {
    const backing = { path: join(bench.folder, 'base.raw'), format: 'raw' as const };
    await writeFile(backing.path, Buffer.alloc(1024 * 1024));
    await mkdir(join(bench.folder, 'sub'));
    const path = join(bench.folder, 'sub', 'over.qcow2');
    await createOverlay({ path, backing });
    expect(await isOverlay(path)).toBe(true);
    expect(await isOverlay(backing.path)).toBe(false);
    await expect(createOverlay({ path, backing })).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
