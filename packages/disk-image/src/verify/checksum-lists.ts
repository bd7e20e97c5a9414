import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A digest that a file beside an image promises. */
export interface PromisedDigest {
  /** The file that promises, as a path. */
  readonly source: string;
  readonly sha256: string;
  readonly sizeBytes?: number;
}

/** What a build's manifest says of the disk itself, whatever the format of the image. */
export interface PromisedDisk {
  readonly source: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface Promises {
  readonly file: readonly PromisedDigest[];
  readonly disk: PromisedDisk | undefined;
  /** Lists that are there and name the image not, or cannot be read: `path: reason`. */
  readonly remarks: readonly string[];
}

const maxListBytes = 64 * 1024 * 1024;

/** What `SHA256SUMS` and `manifest.json` in an image's folder say of it. */
export async function readPromises(image: string): Promise<Promises> {
  const folder = dirname(image);
  const name = basename(image);
  const file: PromisedDigest[] = [];
  const remarks: string[] = [];
  const sums = join(folder, 'SHA256SUMS');
  const sumsText = await readList(sums, remarks);
  if (sumsText !== undefined) {
    const sha256 = fromSums(sumsText, name);
    if (sha256 === undefined) remarks.push(`${sums}: it does not name ${name}`);
    else file.push({ source: sums, sha256 });
  }
  const manifest = join(folder, 'manifest.json');
  const manifestText = await readList(manifest, remarks);
  if (manifestText === undefined) return { file, disk: undefined, remarks };
  const found = fromManifest(manifestText, name);
  if (typeof found === 'string') {
    remarks.push(`${manifest}: ${found}`);
    return { file, disk: undefined, remarks };
  }
  file.push({ source: manifest, ...found.file });
  return {
    file,
    disk: found.disk === undefined ? undefined : { source: manifest, ...found.disk },
    remarks,
  };
}

async function readList(path: string, remarks: string[]): Promise<string | undefined> {
  try {
    const status = await stat(path);
    if (!status.isFile()) return undefined;
    if (status.size <= maxListBytes) return await readFile(path, 'utf8');
    remarks.push(`${path}: it is larger than ${maxListBytes} bytes`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT') remarks.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}

/** The digest of a name in the text of `sha256sum`; undefined if it is not there. */
export function fromSums(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const match = /^([0-9a-fA-F]{64}) [ *](.+?)\r?$/.exec(line);
    if (match?.[1] !== undefined && (match[2] === name || match[2] === `./${name}`))
      return match[1].toLowerCase();
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  // A JSON object has string keys; its values stay unknown.
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function digest(value: unknown): { sha256: string; sizeBytes: number } | undefined {
  const { sha256, sizeBytes } = fields(value);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return typeof sizeBytes === 'number' ? { sha256, sizeBytes } : undefined;
}

function fromManifest(
  text: string,
  name: string,
):
  | string
  | {
      file: { sha256: string; sizeBytes: number };
      disk: { sha256: string; sizeBytes: number } | undefined;
    } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  const { artifacts, rawDisk } = fields(parsed);
  const list: readonly unknown[] = Array.isArray(artifacts) ? artifacts : [];
  const file = digest(list.find((item) => fields(item)['name'] === name));
  return file === undefined ? `it does not name ${name}` : { file, disk: digest(rawDisk) };
}
