import type { ResourceLeak } from './resource.ts';

/** Something was opened and not closed. Lists owner, kind, count, and where it was opened when that is known. */
export class ResourceLeakError extends Error {
  override readonly name = 'ResourceLeakError';
  readonly code = 'PERF_RESOURCE_LEAK';
  readonly leaks: readonly ResourceLeak[];

  constructor(leaks: readonly ResourceLeak[]) {
    const count = leaks.reduce((sum, leak) => sum + leak.count, 0);
    super(
      `${count} ${count === 1 ? 'resource is' : 'resources are'} still open:\n` +
        `${leaks.map(lineOf).join('\n')}\nClose what you open: dispose of it, or end it with its owner.`,
    );
    this.leaks = leaks;
  }
}

/** The owner has been disposed of; what it would open now would never be closed. */
export class OwnerDisposedError extends Error {
  override readonly name = 'OwnerDisposedError';
  readonly code = 'PERF_OWNER_DISPOSED';
  readonly owner: string;

  constructor(owner: string, what: string) {
    super(
      `"${owner}" has been disposed of and can open nothing more (${what}): take a new owner from the tracker`,
    );
    this.owner = owner;
  }
}

function lineOf({ owner, kind, count, details, openedAt }: ResourceLeak): string {
  const line = `- ${owner}: ${count} ${kind}${count === 1 ? '' : kind === 'child' ? 'ren' : 's'} (${details.join('; ')})`;
  return openedAt === undefined ? line : `${line}, opened\n${openedAt.replaceAll(/^\s*/gm, '    ')}`;
}
