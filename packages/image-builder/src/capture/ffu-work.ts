import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { JsonValue } from '@osforge/checkpoint';
import { captureWorkFiles } from '@osforge/disk-image';
import { writeFileDurable } from '@osforge/flush';
import * as z from 'zod';

/**
 * What a capture that was cut leaves for the next one: the FFU with its journal, and the raw disk that it is made from,
 * as the journal holds for that very file only. It is not in the ledger, which is cleared before a build goes on, and so
 * `builds clean` keeps it with all else that a build goes on with. The next capture removes what it cannot use,
 * `--on-error cleanup` what a capture that failed has begun, and `builds clean --all` the folder with all other work.
 */
export interface FfuWork {
  /** Where the FFU is made. */
  readonly target: string;
  /** Where a machine's disk is folded up to. */
  readonly disk: string;
  /** Whether `disk` is there and is what `noteDisk` was called for. */
  hasDisk(): Promise<boolean>;
  /** Call it when `disk` is whole and flushed. */
  noteDisk(): Promise<void>;
  /** For when a capture failed: without a beginning of an FFU there is nothing to keep. */
  removeUnlessBegun(): Promise<void>;
  remove(): Promise<void>;
}

/** Where a build keeps it, below the folder of its work. */
export const ffuFolder = (work: string): string => path.join(work, 'ffu');

const noteSchema = z.object({ input: z.string(), disk: z.string().optional() });

/** Opens the folder of a capture from `input`, which decides every byte of the FFU; what is there from another goes. */
export async function openFfuWork(folder: string, name: string, input: JsonValue): Promise<FfuWork> {
  const target = path.join(folder, `${name}.ffu`);
  const disk = path.join(folder, 'disk.raw');
  const notePath = path.join(folder, 'input.json');
  const key = createHash('sha256').update(JSON.stringify(input)).digest('hex');
  const write = async (note: z.infer<typeof noteSchema>): Promise<void> => {
    await writeFileDurable(notePath, `${JSON.stringify(note)}\n`);
  };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  if ((await readNote(notePath))?.input !== key) {
    await remove();
    // A disk has secrets in it.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await write({ input: key });
  }
  return {
    target,
    disk,
    hasDisk: async () => {
      const noted = (await readNote(notePath))?.disk;
      return noted !== undefined && noted === (await identity(disk));
    },
    noteDisk: async () => {
      const noted = await identity(disk);
      await write({ input: key, ...(noted === undefined ? {} : { disk: noted }) });
    },
    removeUnlessBegun: async () => {
      const begun = await Promise.all([target, ...captureWorkFiles(target)].map(isThere));
      if (!begun.includes(true)) await remove();
    },
    remove,
  };
}

async function readNote(file: string): Promise<z.infer<typeof noteSchema> | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // None, or not one of ours.
    return undefined;
  }
}

/** Another text when the file is another one or was written to; undefined where there is none. */
async function identity(file: string): Promise<string | undefined> {
  const status = await stat(file, { bigint: true }).catch(() => undefined);
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
