import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { createQemuHypervisor } from '@osforge/hypervisor';
import {
  contractChannel,
  contractDrive,
  hypervisorContract,
  type ContractBench,
  type ContractGuest,
} from '@osforge/hypervisor/contract';
import { openBench, type GuestMode } from './support/guest-image.ts';

const modes: Readonly<Record<ContractGuest, GuestMode>> = {
  'power-off': 'p',
  reset: 'r',
  panic: 'c',
  'stand-still': 'h',
  'heed-button': 'b',
  count: 'w',
};

/** Processes that have `text` among their arguments. */
async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    // One that ended meanwhile has no arguments.
    pids.map(async (pid) => `${pid} ${await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')}`),
  );
  return lines.filter((line) => line.includes(text));
}

async function openQemuBench(): Promise<ContractBench> {
  const bench = await openBench();
  const { runtimeDir } = await bench.spec('h');
  return {
    hypervisor: createQemuHypervisor(),
    spec: (guest) => bench.spec(modes[guest], { cdrom: { id: contractDrive }, channels: [contractChannel] }),
    path: (name) => join(bench.folder, name),
    stall: (machine) => {
      process.kill(machine.pid, 'SIGSTOP');
    },
    leftovers: async () => [...(await readdir(runtimeDir)), ...(await processesWith(runtimeDir))],
    dispose: () => bench.dispose(),
  };
}

describe('the contract of hypervisors, on a real QEMU', { timeout: 300_000 }, () => {
  for (const one of hypervisorContract) {
    test(one.name, async () => {
      await one.run(openQemuBench);
    });
  }
});
