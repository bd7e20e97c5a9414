/** Run as a process: flashes its targets, and prints the most memory that it and the process that writes had at once. */
import { readdirSync, readFileSync } from 'node:fs';
import { flashImage, type TargetIdentity } from '@osforge/flasher';

interface Job {
  readonly source: string;
  readonly targets: readonly TargetIdentity[];
}

/** MiB; pages that processes share, such as Node's program, are divided among them (proc(5), smaps_rollup). */
function proportional(id: number): number {
  const rollup = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
}

/** This process, and the one that it has started. */
function family(): readonly number[] {
  const [engine] = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => {
      try {
        const status = readFileSync(`/proc/${id}/status`, 'utf8');
        const isChild = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status);
        return isChild && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('engine-process');
      } catch {
        return false; // it ended meanwhile
      }
    });
  return engine === undefined ? [] : [process.pid, Number(engine)];
}

const { source, targets } = JSON.parse(process.argv[2] ?? '') as Job; // made by the test
let peak = { totalMebibytes: 0, eachMebibytes: [0, 0] };
let processes: readonly number[] = [];
let looked = 0;
const results = await flashImage({
  source: { path: source },
  targets,
  onProgress: () => {
    if (performance.now() < looked + 50) return;
    looked = performance.now();
    if (processes.length === 0) processes = family();
    const eachMebibytes = processes.map(proportional);
    const totalMebibytes = eachMebibytes.reduce((sum, one) => sum + one, 0);
    if (totalMebibytes > peak.totalMebibytes) peak = { totalMebibytes, eachMebibytes };
  },
});
process.stdout.write(JSON.stringify({ ...peak, complete: results.filter(({ ok }) => ok).length }));
