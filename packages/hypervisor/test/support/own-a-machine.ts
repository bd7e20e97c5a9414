// Run as a program of its own: creates and starts the machine of the spec in argv[2], says its pid, and waits.
import { createQemuHypervisor, type MachineSpec } from '@osforge/hypervisor';

// The test wrote it from a MachineSpec.
const spec = JSON.parse(process.argv[2] ?? '') as MachineSpec;
const machine = await createQemuHypervisor().create(spec);
const up = machine.waitForConsole(/guest up/);
await machine.start();
await up;
process.stdout.write(`${machine.pid}\n`);
await machine.ended;
