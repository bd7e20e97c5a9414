import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Host } from '../host/host.ts';
import { untilStopped } from '../host/until-stopped.ts';
import { cleanLines } from '../text/clean-text.ts';
import { formatTable } from '../text/table.ts';
import { type DiskSizeFlags, diskSizeLimits, withFlag } from './disk-size-limit.ts';
import { namedImage } from './named-image.ts';

/** Holds an image against the checksums beside it and against itself. */
export async function verify(
  image: string,
  flags: DiskSizeFlags & { readonly publicKey?: string; readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const file = await namedImage(image, host.cwd);
  const publicKey = flags.publicKey === undefined ? undefined : await readKey(flags.publicKey, host.cwd);
  const { verifyImage } = await import('@osforge/disk-image');
  return untilStopped(host, async (signal) => {
    const keyOption = publicKey === undefined ? {} : { publicKey };
    const found = await verifyImage(file, { signal, ...keyOption, ...(await diskSizeLimits(flags)) });
    const checks = found.checks.map(withFlag);
    const report = { ...found, path: image, checks };
    const failures = report.checks.filter(({ status }) => status === 'failed').length;
    if (flags.json) host.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else {
      const lines = formatTable(
        report.checks.map(({ status, name, detail }) => [status, cleanLines(name), cleanLines(detail)]),
      );
      host.stdout.write(`${[...lines, conclusion(image, report.ok, failures, lines.length)].join('\n')}\n`);
    }
    return report.ok ? exitCode.done : exitCode.failed;
  });
}

function conclusion(image: string, ok: boolean, failures: number, checks: number): string {
  if (ok) return `${image} holds.`;
  if (failures === 0) return `${image} cannot be verified: there is nothing to hold it against.`;
  return `${image} does not hold: ${failures} of ${checks} checks failed.`;
}

/** @throws UsageError where the file cannot be read or is no public key */
async function readKey(file: string, cwd: string): Promise<string> {
  const { readVerificationKey } = await import('@osforge/disk-image');
  try {
    const text = await readFile(path.resolve(cwd, file), 'utf8');
    readVerificationKey(text);
    return text;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `--public-key ${file}: ${reason}; give the .pub file that minisign made, or what openssl pkey -pubout prints`,
      {
        cause: error,
      },
    );
  }
}
