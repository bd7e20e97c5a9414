import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLines } from '../text/clean-text.ts';

/** Looks at everything that a build needs of this machine. */
export async function runDoctor(
  flags: { readonly out: string; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const { doctor } = await import('@osforge/image-builder');
  const report = await doctor({ outDirectory: flags.out });
  if (flags.json) host.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else {
    for (const { name, ok, detail, remedy } of report.checks) {
      host.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name}: ${cleanLines(detail)}\n`);
      if (!ok && remedy !== undefined) host.stdout.write(`      ${cleanLines(remedy)}\n`);
    }
    host.stdout.write(report.ok ? 'This machine can build.\n' : 'This machine cannot build yet.\n');
  }
  return report.ok ? exitCode.done : exitCode.preflight;
}
