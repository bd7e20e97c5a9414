import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFields } from './stanzas.ts';

/** What is known of one suite's index after a refresh. */
export interface IndexInfo {
  /** The archive's name of the suite, which changes over time (`oldstable-security`); empty where it has none. */
  suite: string;
  /** The suite's lasting name (`bookworm-security`). */
  codename: string;
  /** Who made it (`Debian`); empty where the index does not say. */
  origin: string;
  /** When the archive made it, ISO 8601; undefined where the index does not say. */
  date?: string;
  /** ISO 8601; undefined where the index never ends. */
  validUntil?: string;
  /** Of the signed file's bytes, in hex: equal digests, equal packages. */
  sha256: string;
}

/** The indexes in a folder of apt lists, by code name; empty before the first refresh. */
export async function readIndexInfo(lists: string): Promise<IndexInfo[]> {
  const names = await readdir(lists).catch((): string[] => []);
  // Flat and unsigned repositories have a Release file instead.
  const wanted = names.filter((name) => /(^|_)(InRelease|Release)$/.test(name));
  const infos = await Promise.all(wanted.map(async (name) => indexInfo(await readFile(join(lists, name)))));
  return infos.sort((a, b) => compare(a.codename, b.codename) || compare(a.sha256, b.sha256));
}

function indexInfo(bytes: Uint8Array): IndexInfo {
  // Only the paragraph before the list of files is of interest, and it is at the beginning.
  const fields = parseFields(new TextDecoder().decode(bytes.subarray(0, 16_384)));
  const date = isoDate(fields.get('date'));
  const validUntil = isoDate(fields.get('valid-until'));
  return {
    suite: fields.get('suite') ?? '',
    codename: fields.get('codename') ?? fields.get('suite') ?? '',
    origin: fields.get('origin') ?? '',
    ...(date === undefined ? {} : { date }),
    ...(validUntil === undefined ? {} : { validUntil }),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

function isoDate(text: string | undefined): string | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
