import type { TreeEntry } from '../tree/entry.ts';

/** What may differ in a file that both trees have. Times do not count. */
export type ChangedField = 'type' | 'content' | 'mode' | 'owner' | 'xattrs' | 'linkTarget' | 'device';

export interface FileDifference {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Of a changed file, in the order above; empty for the others. */
  readonly fields: readonly ChangedField[];
  readonly before?: TreeEntry;
  readonly after?: TreeEntry;
}

/**
 * Compares two trees as the walks of openExt4 and openFat give them: parents first, the names of a folder in byte order. Needs no more
 * memory than two entries; yields in that order.
 */
export async function* diffTrees(
  before: AsyncIterable<TreeEntry>,
  after: AsyncIterable<TreeEntry>,
): AsyncGenerator<FileDifference> {
  const left = before[Symbol.asyncIterator]();
  const right = after[Symbol.asyncIterator]();
  try {
    let [a, b] = [await left.next(), await right.next()];
    while (a.done !== true || b.done !== true) {
      const order =
        a.done === true ? 1 : b.done === true ? -1 : Buffer.compare(sortKey(a.value), sortKey(b.value));
      if (order < 0 && a.done !== true) {
        yield { path: a.value.path, kind: 'removed', fields: [], before: a.value };
        a = await left.next();
      } else if (order > 0 && b.done !== true) {
        yield { path: b.value.path, kind: 'added', fields: [], after: b.value };
        b = await right.next();
      } else if (a.done !== true && b.done !== true) {
        const fields = changedFields(a.value, b.value);
        if (fields.length > 0)
          yield { path: a.value.path, kind: 'changed', fields, before: a.value, after: b.value };
        [a, b] = [await left.next(), await right.next()];
      }
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
}

/** The order of the walk: a slash comes before every byte of a name. */
function sortKey({ path, pathHex }: TreeEntry): Buffer {
  const bytes = pathHex === undefined ? Buffer.from(path) : Buffer.from(pathHex, 'hex');
  for (let at = bytes.indexOf(0x2f); at !== -1; at = bytes.indexOf(0x2f, at + 1)) bytes[at] = 0;
  return bytes;
}

function changedFields(a: TreeEntry, b: TreeEntry): ChangedField[] {
  if (a.type !== b.type) return ['type'];
  const fields: ChangedField[] = [];
  if (a.sha256 !== b.sha256) fields.push('content');
  if (a.mode !== b.mode) fields.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) fields.push('owner');
  if (attributes(a) !== attributes(b)) fields.push('xattrs');
  if (a.linkTarget !== b.linkTarget) fields.push('linkTarget');
  if (a.rdev !== b.rdev) fields.push('device');
  return fields;
}

function attributes({ xattrs }: TreeEntry): string {
  return JSON.stringify(Object.entries(xattrs).sort(([a], [b]) => (a < b ? -1 : 1)));
}
