import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the kernel shows devices and processes; other folders only in tests. */
export interface SystemPaths {
  /** Default `/sys`. */
  readonly sys: string;
  /** Default `/proc`. */
  readonly proc: string;
  /** Default `/dev`. */
  readonly dev: string;
}

export const systemPaths: SystemPaths = { sys: '/sys', proc: '/proc', dev: '/dev' };

/** One attribute without its line end; undefined if it is not there, empty, or the device does not answer. */
export async function readAttribute(...path: readonly string[]): Promise<string | undefined> {
  try {
    const text = (await readFile(join(...path), 'utf8')).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A binary attribute; empty if it is not there or the device does not answer. */
export async function readBytes(...path: readonly string[]): Promise<Uint8Array> {
  try {
    return await readFile(join(...path));
  } catch {
    return new Uint8Array();
  }
}

/** A whole number from an attribute; undefined if there is none. */
export async function readNumber(...path: readonly string[]): Promise<number | undefined> {
  const text = await readAttribute(...path);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The names in a folder, sorted; none if there is no such folder. */
export async function namesIn(...path: readonly string[]): Promise<string[]> {
  try {
    return (await readdir(join(...path))).sort();
  } catch {
    return [];
  }
}
