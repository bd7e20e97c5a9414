import { readdir } from 'node:fs/promises';
import path from 'node:path';

export const repository: string = path.join(import.meta.dirname, '../../../..');
export const monitoring: string = path.join(repository, 'monitoring');
export const rules: string = path.join(monitoring, 'prometheus/rules');
export const ruleTests: string = path.join(monitoring, 'prometheus/tests');

/** Absolute paths of the files of a folder, sorted. */
export async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((name) => path.join(folder, name));
}
