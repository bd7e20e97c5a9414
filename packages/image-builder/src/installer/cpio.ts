/** One entry of an archive; all belong to root. */
export type CpioEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly executable: boolean;
      readonly content: CpioContent;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    };

/** Bytes, or what reads them when they are due, so that one file at a time is in memory. */
export type CpioContent = Uint8Array | (() => Promise<Uint8Array>);

const folderMode = 0o040755;
const fileMode = 0o100644;
const executableMode = 0o100755;
const linkMode = 0o120777;
const deviceMode = 0o020600;

/**
 * An archive in the kernel's "newc" format, piece by piece. Paths are relative, without a `/` at either end; folders on
 * the way are added. Ordered by path, with inode numbers of its own: equal entries give equal bytes, whatever their
 * order. Two entries of one path are a mistake of the caller and throw a RangeError. Source: the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 */
export async function* cpioArchive(
  entries: readonly CpioEntry[],
  epochSeconds: number,
): AsyncGenerator<Buffer, void> {
  let inode = 0;
  for (const entry of ordered(entries)) {
    inode += 1;
    const content = await contentOf(entry);
    const device = entry.kind === 'character-device' ? entry : { major: 0, minor: 0 };
    yield header({
      path: entry.path,
      inode,
      mode: modeOf(entry),
      length: content.length,
      device,
      epochSeconds,
    });
    if (content.length > 0) yield padded(content);
  }
  const device = { major: 0, minor: 0 };
  yield header({ path: 'TRAILER!!!', inode: 0, mode: 0, length: 0, device, epochSeconds: 0 });
}

function ordered(entries: readonly CpioEntry[]): CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    if (byPath.has(entry.path) && !(entry.kind === 'folder' && byPath.get(entry.path)?.kind === 'folder'))
      throw new RangeError(`two entries of the archive are called ${entry.path}`);
    byPath.set(entry.path, entry);
  }
  for (const path of [...byPath.keys()]) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (!byPath.has(folder)) byPath.set(folder, { kind: 'folder', path: folder });
    }
  }
  // By bytes: a folder comes before what is in it, and no locale has a say.
  return [...byPath.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function contentOf(entry: CpioEntry): Promise<Uint8Array> {
  if (entry.kind === 'link') return Buffer.from(entry.target);
  if (entry.kind !== 'file') return Buffer.alloc(0);
  return typeof entry.content === 'function' ? entry.content() : entry.content;
}

function modeOf(entry: CpioEntry): number {
  if (entry.kind === 'folder') return folderMode;
  if (entry.kind === 'link') return linkMode;
  if (entry.kind === 'character-device') return deviceMode;
  return entry.executable ? executableMode : fileMode;
}

interface HeaderFields {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly length: number;
  readonly device: { readonly major: number; readonly minor: number };
  readonly epochSeconds: number;
}

function header({ path, inode, mode, length, device, epochSeconds }: HeaderFields): Buffer {
  const name = Buffer.from(`${path}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [
    ...[inode, mode, 0, 0, links, epochSeconds, length, 0, 0],
    ...[device.major, device.minor, name.length, 0],
  ];
  const text = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  return padded(Buffer.concat([Buffer.from(`070701${text}`), name]));
}

/** Headers with their names, and contents, end at a multiple of four. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
