import type { TargetInfo } from '@osforge/flasher';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLine } from '../text/clean-text.ts';
import { formatTable } from '../text/table.ts';

/** Lists the disks of this machine, with the reason for each that must not be written to. */
export async function flashList(flags: { readonly json?: true }, host: Host): Promise<ExitCode> {
  const { listTargets, remedyOf } = await import('@osforge/flasher');
  const targets = await listTargets();
  if (flags.json) {
    const list = targets.map((target) => ({
      ...target,
      problems: target.problems.map((problem) => ({ ...problem, remedy: remedyOf(problem.kind) })),
    }));
    host.stdout.write(`${JSON.stringify(list, undefined, 2)}\n`);
    return exitCode.done;
  }
  if (targets.length === 0) host.stdout.write('There are no disks.\n');
  else {
    const head = ['DISK', 'SIZE', 'MODEL', 'SERIAL', 'BUS', 'STATE'];
    host.stdout.write(`${formatTable([head, ...targets.map(row)]).join('\n')}\n`);
  }
  return exitCode.done;
}

function row({ identity, transport, removable, problems }: TargetInfo): string[] {
  const model = [identity.vendor, identity.model].filter((part) => part !== undefined).join(' ');
  const good = removable ? 'ready' : 'ready (not removable: look twice)';
  return [
    identity.path,
    `${(identity.sizeBytes / 1e9).toFixed(1)} GB`,
    cleanLine(model || (identity.backingFile ?? '-')),
    cleanLine(identity.serial ?? '-'),
    transport ?? '-',
    problems.length === 0 ? good : `no: ${cleanLine(problems.map(({ detail }) => detail).join('; '))}`,
  ];
}
