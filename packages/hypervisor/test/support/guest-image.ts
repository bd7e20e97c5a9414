import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQemuHypervisor, createRuntimeDir, type Machine, type MachineSpec } from '@osforge/hypervisor';

/** What the guest does: see guest.S, of which these are the bytes. */
export type GuestMode = 'p' | 'r' | 't' | 'c' | 'h' | 'b' | 'g' | 'w';

const CODE =
  '31c08ed88ec08ed0bc007cfc88167d7dba0206b80001efbe4a7de81301a0fd7d3c7074243c7274293c74742d3c63743c' +
  '3c62742b3c67740a3c770f848800faf4ebfcbe557de8e800ba0406b80020efebedbaf90cb006eeebe50f011e7e7dccba' +
  '0006fbf4eda9000174f8ebdc66bb00000080baf80c6689d866efbafc0c66ed663d361b110074096681c300080000ebe2' +
  'baf80c67668d431066efbafc0c66ed6683e0f06689c7fa0f0116847d0f20c00c010f22c0b908008ee124fe0f22c06467' +
  'c60701e978ffe84e0066a1008066a3007ee8430066a10080663b06007e7409be6d7de84b00e956ff66ff06007e66ff06' +
  '0080b443e82200668b1e007eb9080066c1c30488d8240f0441e82f00e2f1b00ae82800fbf4ebbab44230c08a167d7dbe' +
  '9a7dcd137201c3be757de80300e90effac84c07405e80300ebf6c350bafd03eca82074fb58baf803eec3677565737420' +
  '75700d0a00fffe1b5b33316d7265641b5b306d0d0a6c6f67696e3a20004449464645520a0042524f4b454e0a00000000' +
  '000000000f008a7d00000000000000000000ffff00000092cf0010000100008000000100000000000000';

export function guestImage(mode: GuestMode): Uint8Array {
  const image = new Uint8Array(1024 * 1024);
  image.set(Buffer.from(CODE, 'hex'));
  image.set([mode.charCodeAt(0), 0x55, 0xaa], 509);
  return image;
}

/** A temporary place with a machine's files; `dispose` removes it and ends the machines made here. */
export interface Bench {
  readonly folder: string;
  spec(mode: GuestMode, changes?: Partial<MachineSpec>): Promise<MachineSpec>;
  create(spec: MachineSpec): Promise<Machine>;
  dispose(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-hv-test-'));
  const runtimeDir = await createRuntimeDir();
  const machines: Machine[] = [];
  const hypervisor = createQemuHypervisor();
  return {
    folder,
    async spec(mode, changes = {}) {
      const path = join(folder, `guest-${mode}.raw`);
      await writeFile(path, guestImage(mode));
      return {
        name: `test-${mode}`,
        memoryMiB: 64,
        cpus: 1,
        accelerator: 'tcg',
        boot: { kind: 'bios' },
        disks: [{ id: 'disk', path, format: 'raw' }],
        channels: [],
        runtimeDir,
        consoleLog: join(folder, 'console.log'),
        qemuLog: join(folder, 'qemu.log'),
        network: 'none',
        ...changes,
      };
    },
    async create(spec) {
      const machine = await hypervisor.create(spec);
      machines.push(machine);
      return machine;
    },
    async dispose() {
      for (const machine of machines) await machine.kill();
      await rm(folder, { recursive: true, force: true });
      await rm(runtimeDir, { recursive: true, force: true });
    },
  };
}
