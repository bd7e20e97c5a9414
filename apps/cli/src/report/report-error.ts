import { describeError } from '../errors/describe-error.ts';
import type { Host } from '../host/host.ts';

export async function reportError(error: unknown, host: Pick<Host, 'stderr' | 'env'>): Promise<void> {
  const debug = Boolean(host.env['OSFORGE_DEBUG']);
  host.stderr.write(`${await describeError(error, { debug })}\n`);
}
