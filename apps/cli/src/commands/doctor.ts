import path from 'node:path';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from '../host/host.ts';
import { cleanLines } from '../text/clean-text.ts';
import { formatTable } from '../text/table.ts';

/** Looks at everything that a build needs of this machine. */
export async function runDoctor(
  flags: { readonly out: string; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const { doctor } = await import('@osforge/image-builder');
  const report = await doctor({ outDirectory: path.resolve(host.cwd, flags.out) });
  const { ok, checks, install } = report;
  if (flags.json) host.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else {
    const lines = formatTable(
      checks.map((check) => [
        check.ok ? 'ok' : check.debianPackage === undefined ? 'failed' : 'missing',
        check.name,
        cleanLines(check.why === undefined ? check.detail : `${check.why}: ${check.detail}`),
      ]),
    );
    // What a package cures is said once, at the end.
    const remedies = checks.flatMap(({ name, remedy, debianPackage }) =>
      remedy === undefined || debianPackage !== undefined ? [] : [`  ${name}: ${cleanLines(remedy)}`],
    );
    if (install !== undefined) remedies.push(`  as root: ${install}`);
    lines.push(ok ? 'This machine can build.' : 'This machine cannot build yet. What to do:', ...remedies);
    host.stdout.write(`${lines.join('\n')}\n`);
  }
  return ok ? exitCode.done : exitCode.preflight;
}
