/**
 * Phase `capture` by itself, without a machine: on a disk that a test made. As a program it runs once and says all it is
 * told, a line of JSON each, to be killed:
 *
 *   node --conditions=@osforge/source capture-run.ts REQUEST
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseRecord } from '@osforge/checkpoint';
import type { PhaseContext, PhaseResult } from '@osforge/pipeline';
import { capturePhase } from '../../src/phases/capture.ts';
import { environmentOf } from '../phases/environment.ts';

export interface CaptureRequest {
  /** The recipe and the build are made in it. */
  readonly folder: string;
  /** Added to the least recipe. */
  readonly lines: string;
  /** As phase `disk` has it, or, in qcow2, as a machine has left it. */
  readonly disk: string;
  readonly sourceDateEpoch: number;
  /** As a program: at which progress it kills itself; the `nth` time of that step, or at a fraction of the phase. */
  readonly killAt?: { readonly step: string; readonly fraction?: number; readonly nth?: number };
}

/** What a phase says of itself. */
export interface Said {
  readonly progress?: { readonly fraction: number; readonly step: string };
  readonly log?: string;
}

export async function runCapture(
  { folder, lines, disk, sourceDateEpoch }: CaptureRequest,
  say: (said: Said) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<PhaseResult> {
  await mkdir(folder, { recursive: true });
  const environment = await environmentOf(folder, lines);
  const fromMachine = disk.endsWith('.qcow2');
  const context: Pick<PhaseContext, 'signal' | 'upstream' | 'progress' | 'log' | 'ledger'> = {
    signal,
    upstream: (name) => {
      if (name === 'preflight') return record({ data: { sourceDateEpoch, suites: [] } });
      if (name === 'disk' && !fromMachine) return record({ artifacts: [artifact('disk', disk)] });
      if (name === 'vm-shutdown' && fromMachine) return record({ artifacts: [artifact('final-disk', disk)] });
      return record({ state: 'skipped' });
    },
    progress: (fraction, step = '') => {
      say({ progress: { fraction, step } });
    },
    log: (line) => {
      say({ log: line });
    },
    ledger: {
      register: (resourceType, resourceId) =>
        Promise.resolve({ id: '', resourceType, resourceId, registeredAt: '' }),
      release: () => Promise.resolve(),
      leftovers: () => [],
    },
  };
  // The phase uses nothing else of its context.
  return capturePhase(environment).run(context as PhaseContext);
}

function artifact(name: string, file: string): PhaseRecord['artifacts'][number] {
  const identity = { mtimeNs: '0', ctimeNs: '0', inode: '0' };
  return { name, path: file, sizeBytes: 0, sha256: '', retention: 'cache', identity };
}

function record(fields: Partial<PhaseRecord>): PhaseRecord {
  const at = new Date(0).toISOString();
  const times = { startedAt: at, completedAt: at, durationMs: 0 };
  return { state: 'done', inputsKey: '', ...times, artifacts: [], data: {}, ...fields };
}

if (import.meta.filename === path.resolve(process.argv[1] ?? '')) {
  // Written by the test beside this file.
  const request = JSON.parse(process.argv[2] ?? '{}') as CaptureRequest;
  const { step, fraction = 0, nth = 1 } = request.killAt ?? {};
  let seen = 0;
  await runCapture(request, (said) => {
    process.stdout.write(`${JSON.stringify(said)}\n`);
    if (said.progress === undefined || said.progress.step !== step) return;
    seen += 1;
    if (seen >= nth && said.progress.fraction >= fraction) process.kill(process.pid, 'SIGKILL');
  });
}
