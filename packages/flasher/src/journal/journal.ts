import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { TargetIdentity } from '../targets/identity.ts';

/**
 * What names a target also after it was unplugged: serial, vendor, model and size of a device, the file of a loop device,
 * the path of a file. Undefined for a device that has none of them: it cannot be told from another, and not resumed.
 */
export function journalKey({
  kind,
  serial,
  vendor,
  model,
  sizeBytes,
  backingFile,
  path,
}: TargetIdentity): string | undefined {
  if (kind === 'file') return `file ${path}`;
  if (serial !== undefined) return JSON.stringify([serial, vendor, model, sizeBytes]);
  return backingFile === undefined ? undefined : `loop ${backingFile}`;
}

/**
 * Which ranges of a target were written and seen to be right, with their digests. Only a hint for the next run, which
 * reads them from the device before it believes it: a torn or foreign line costs time and never a wrong target.
 */
export class Journal {
  readonly #path: string;
  readonly #header: string;
  #file: FileHandle | undefined;
  /** The last line that was begun; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(path: string, header: string) {
    this.#path = path;
    this.#header = header;
  }

  /** The journal of a target and what the last run left in it, by range. */
  static async open(
    folder: string,
    key: string,
    rangeBytes: number,
  ): Promise<{ journal: Journal; known: ReadonlyMap<number, string> }> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    const path = join(folder, `${name}.flash.ndjson`);
    const header = JSON.stringify({ version: 1, key, rangeBytes });
    const text = await readFile(path, 'utf8').catch(() => '');
    const [first, ...lines] = text.split('\n');
    const known = new Map<number, string>();
    if (first === header) for (const line of lines) addLine(known, line);
    const journal = new Journal(path, header);
    return { journal, known };
  }

  /** A range is on the target. Lines are added one after the other; after the close none is. */
  async record(range: number, sha256: string): Promise<void> {
    const line = this.#last.then(() => this.#append(range, sha256));
    this.#last = line.catch(() => undefined);
    await line;
  }

  async #append(range: number, sha256: string): Promise<void> {
    // A check that was under way when its target failed: to open the file again would empty it.
    if (this.#closed) return;
    if (this.#file === undefined) {
      this.#file = await open(this.#path, 'w', 0o600);
      await this.#file.appendFile(`${this.#header}\n`);
    }
    await this.#file.appendFile(`${JSON.stringify({ range, sha256 })}\n`);
  }

  /** The target is complete: nothing is left to resume. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }

  async close(): Promise<void> {
    await this.#last;
    this.#closed = true;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

function addLine(known: Map<number, string>, line: string): void {
  const [, range, sha256] = /^\{"range":(\d{1,9}),"sha256":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
  if (range !== undefined && sha256 !== undefined) known.set(Number(range), sha256);
}
