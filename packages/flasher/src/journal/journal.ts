import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
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
 *
 * What earlier runs left stays until it is found wrong: a run that is cut while it still reads takes nothing away.
 */
export class Journal {
  readonly #path: string;
  readonly #header: string;
  readonly #known = new Map<number, string>();
  /** Whether the next line is added to what the file says; else all of it is written anew. */
  #adding: boolean;
  #file: FileHandle | undefined;
  /** The last line that was begun; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(path: string, header: string, text: string) {
    this.#path = path;
    this.#header = header;
    const [first, ...lines] = text.split('\n');
    this.#adding = first === header;
    if (this.#adding) for (const line of lines) addLine(this.#known, line);
  }

  /** The journal of a target, with what earlier runs left in it. */
  static async open(folder: string, key: string, rangeBytes: number): Promise<Journal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    const path = join(folder, `${name}.flash.ndjson`);
    const header = JSON.stringify({ version: 1, key, rangeBytes });
    return new Journal(path, header, await readFile(path, 'utf8').catch(() => ''));
  }

  /** Digests by range. */
  get known(): ReadonlyMap<number, string> {
    return this.#known;
  }

  /** A range is not as the journal says, or is to be another one: what it says from there on is not worth reading. */
  forgetFrom(range: number): void {
    for (const one of [...this.#known.keys()]) if (one >= range) this.#known.delete(one);
    this.#adding = false;
  }

  /** A range is on the target. Lines are added one after the other; after the close none is. */
  async record(range: number, sha256: string): Promise<void> {
    const line = this.#last.then(() => this.#append(range, sha256));
    this.#last = line.catch(() => undefined);
    await line;
  }

  async #append(range: number, sha256: string): Promise<void> {
    // A check that was under way when its target failed must not open the file again.
    if (this.#closed || this.#known.get(range) === sha256) return;
    this.#known.set(range, sha256);
    if (!this.#adding) {
      this.#adding = true;
      await this.#writeAll().catch((error: unknown) => {
        this.#adding = false;
        throw error;
      });
      return;
    }
    this.#file ??= await open(this.#path, 'a', 0o600);
    await this.#file.appendFile(lineOf([range, sha256]));
  }

  /** In one step: what was just read back right must not be lost to a kill. */
  async #writeAll(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const fresh = `${this.#path}.new`;
    await writeFile(fresh, this.#header + [...this.#known].map(lineOf).join(''), { mode: 0o600 });
    await rename(fresh, this.#path);
  }

  /** The target is complete: nothing is left to resume. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
    await rm(`${this.#path}.new`, { force: true });
  }

  async close(): Promise<void> {
    await this.#last;
    this.#closed = true;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** It begins with the end of the line before, so that one that was torn does not spoil the next. */
function lineOf([range, sha256]: readonly [number, string]): string {
  return `\n${JSON.stringify({ range, sha256 })}`;
}

function addLine(known: Map<number, string>, line: string): void {
  const [, range, sha256] = /^\{"range":(\d{1,9}),"sha256":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
  if (range !== undefined && sha256 !== undefined) known.set(Number(range), sha256);
}
