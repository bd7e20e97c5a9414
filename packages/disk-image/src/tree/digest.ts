import { createHash } from 'node:crypto';
import type { TreeEntry } from './entry.ts';

/** What a mask may leave out of a digest. */
export type TreeField = 'mode' | 'owner' | 'size' | 'content' | 'linkTarget' | 'xattrs';

/** Something that a running system must vary, and why. */
export interface MaskRule {
  /** A path such as `/etc/machine-id`; `*` stands for any text without a slash, `**` for any text. */
  readonly path: string;
  /** Default: the whole entry. */
  readonly ignore?: 'entry' | readonly TreeField[];
  readonly reason: string;
}

export interface TreeDigest {
  readonly sha256: string;
  /** Entries that count, without those that a rule leaves out. */
  readonly entries: number;
}

/**
 * One digest of a tree: path, type, mode, owner, size, content, link target, device number and extended attributes of
 * each entry, whatever their order. Times and the sharing of hard links do not count.
 * Form: SHA-256 over the sorted SHA-256s of one JSON array an entry.
 */
export async function treeDigest(
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  options: { mask?: readonly MaskRule[] } = {},
): Promise<TreeDigest> {
  const rules = (options.mask ?? []).map((rule) => ({
    pattern: toPattern(rule.path),
    ignore: rule.ignore ?? 'entry',
  }));
  const digests: string[] = [];
  for await (const entry of entries) {
    const ignored = new Set<string>();
    for (const { pattern, ignore } of rules) {
      if (!pattern.test(entry.path)) continue;
      for (const field of ignore === 'entry' ? ['entry'] : ignore) ignored.add(field);
    }
    if (ignored.has('entry')) continue;
    digests.push(createHash('sha256').update(canonical(entry, ignored)).digest('hex'));
  }
  const all = createHash('sha256');
  for (const digest of digests.sort()) all.update(digest).update('\n');
  return { sha256: all.digest('hex'), entries: digests.length };
}

function canonical(entry: TreeEntry, ignored: ReadonlySet<string>): string {
  const unless = <T>(field: TreeField, value: T): T | null => (ignored.has(field) ? null : value);
  return JSON.stringify([
    entry.pathHex ?? entry.path,
    entry.pathHex !== undefined,
    entry.type,
    unless('mode', entry.mode),
    unless('owner', [entry.uid, entry.gid]),
    unless('size', entry.sizeBytes),
    unless('content', entry.sha256 ?? null),
    unless('linkTarget', entry.linkTarget ?? null),
    entry.rdev ?? null,
    unless(
      'xattrs',
      Object.entries(entry.xattrs).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  ]);
}

function toPattern(path: string): RegExp {
  const source = path
    .split(/(\*\*|\*)/)
    .map((part) =>
      part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`, 's');
}
