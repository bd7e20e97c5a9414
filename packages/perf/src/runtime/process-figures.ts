import { readdir, readFile } from 'node:fs/promises';
import type { RuntimePart, RuntimeScope } from './runtime-part.ts';

/** What the system says of the process: memory, processor time, open files. */
export function processPart(scope: RuntimeScope, procFolder: string): RuntimePart {
  const readCpu = registerCpu(scope);
  const resident = scope.gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM.');
  const start = scope.gauge('process_start_time_seconds', 'When the process began, as seconds since 1970.');
  start.set(Math.round(performance.timeOrigin) / 1000);
  const readResources = registerResources(scope);
  const readFiles = registerFiles(scope, procFolder);
  return {
    async collect() {
      readCpu();
      resident.set(process.memoryUsage.rss());
      readResources();
      await readFiles();
    },
  };
}

function registerCpu(scope: RuntimeScope): () => void {
  const counter = (name: string, help: string): ((total: number) => void) => {
    const instrument = scope.counter(name, help);
    // Rounding may make the difference negative by a hair.
    return (total) => {
      instrument.inc(Math.max(0, total - instrument.value));
    };
  };
  const user = counter('process_cpu_user_seconds_total', 'Processor time in the program itself.');
  const system = counter('process_cpu_system_seconds_total', 'Processor time in the kernel for the program.');
  const both = counter('process_cpu_seconds_total', 'Processor time, in the program and the kernel.');
  return () => {
    const usage = process.cpuUsage();
    user(usage.user / 1e6);
    system(usage.system / 1e6);
    both((usage.user + usage.system) / 1e6);
  };
}

function registerResources(scope: RuntimeScope): () => void {
  const resources = scope.gauges({
    name: 'nodejs_active_resources',
    help: 'What keeps the event loop alive, by type.',
    labels: ['type'],
  });
  const seen = new Set<string>();
  return () => {
    // A type that is gone is shown as 0, not as it was.
    const counts = new Map<string, number>([...seen].map((type) => [type, 0]));
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    for (const [type, count] of counts) {
      seen.add(type);
      resources.labels({ type }).set(count);
    }
  };
}

/** Only Linux tells of open files; elsewhere their metrics are absent. */
function registerFiles(scope: RuntimeScope, procFolder: string): () => Promise<void> {
  if (process.platform !== 'linux') return () => Promise.resolve();
  const open = scope.gauge('process_open_fds', 'Open file descriptors.');
  const most = scope.gauge('process_max_fds', 'Most file descriptors the process may open.');
  return async () => {
    const entries = await readdir(`${procFolder}/fd`);
    // One of them is the folder, which is open only to be listed.
    open.set(entries.length - 1);
    const limits = await readFile(`${procFolder}/limits`, 'utf8');
    const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
    if (soft !== undefined) most.set(soft === 'unlimited' ? Infinity : Number(soft));
  };
}
