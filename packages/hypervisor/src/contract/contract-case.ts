import assert from 'node:assert/strict';
import type { Hypervisor, Machine } from '../hypervisor.ts';
import type { MachineSpec } from '../machine-spec.ts';

/**
 * What the guest does once it has printed the line `guest up` on its console. `counts`: counts in its memory and in the
 * first four bytes (little endian) of the second sector of its disk, and prints each number as eight letters, A for the
 * hexadecimal digit 0 to P for F; it prints `DIFFER` and stands still when the two are not the same.
 */
export type ContractGuest = 'power-off' | 'reset' | 'panic' | 'stand-still' | 'heed-button' | 'count';

/** The id of the one disk in a contract's spec: raw and writable. */
export const contractDisk = 'disk';
/** The id of its CD drive, which is empty. */
export const contractDrive = 'drive';
/** The name of its channel. */
export const contractChannel = 'contract.channel';

/** A place of its own in which a case makes its machines. */
export interface ContractBench {
  readonly hypervisor: Hypervisor;
  /** A new machine with that guest on a new disk, with its drive and channel. */
  spec(guest: ContractGuest): Promise<MachineSpec>;
  /** Path of a file that does not exist, in a folder that does. */
  path(name: string): string;
  /** Makes the machine's process stand still, so that it answers nothing; only SIGKILL ends it then. */
  stall(machine: Machine): void;
  /** What is there of machines besides the files that a spec names: processes, sockets, folders. */
  leftovers(): Promise<readonly string[]>;
  /** Removes the place. Called once, when no machine is left. */
  dispose(): Promise<void>;
}

export interface ContractCase {
  readonly name: string;
  /** Rejects with an AssertionError when the driver breaks the contract. */
  run(openBench: () => Promise<ContractBench>): Promise<void>;
}

/** What a case is given: a bench that remembers its machines. */
export interface CaseBench extends ContractBench {
  create(spec: MachineSpec): Promise<Machine>;
  /** A started machine whose guest has said that it is up. */
  running(guest: ContractGuest | MachineSpec): Promise<Machine>;
}

/** A machine may be slow, but not as slow as this. */
export const limit: { readonly timeoutMs: number } = { timeoutMs: 60_000 };

/** A case at whose end, whatever happened, its machines are killed and must have left nothing. */
export function contractCase(name: string, body: (bench: CaseBench) => Promise<void>): ContractCase {
  return {
    name,
    async run(openBench) {
      const bench = await openBench();
      const machines: Machine[] = [];
      const create = async (spec: MachineSpec): Promise<Machine> => {
        const machine = await bench.hypervisor.create(spec, limit);
        machines.push(machine);
        return machine;
      };
      const running = async (guest: ContractGuest | MachineSpec): Promise<Machine> => {
        const machine = await create(typeof guest === 'string' ? await bench.spec(guest) : guest);
        const up = machine.waitForConsole(/guest up/, limit);
        await machine.start(limit);
        await up;
        return machine;
      };
      try {
        await body({ ...bench, create, running });
        for (const machine of machines) await machine.kill();
        assert.deepEqual(await bench.leftovers(), [], 'something is left of a machine that was ended');
      } finally {
        for (const machine of machines) await machine.kill();
        await bench.dispose();
      }
    },
  };
}
