import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';

/** Says that the file is what the code makes; with UPDATE_MONITORING=1 it is written first. */
export async function expectWritten(file: string, current: string): Promise<void> {
  if (process.env['UPDATE_MONITORING'] === '1') await writeFile(file, current);
  const why = `${file} is not what the code makes; UPDATE_MONITORING=1 npx vitest run test/monitoring writes it`;
  expect(await readFile(file, 'utf8').catch(() => ''), why).toBe(current);
}

/** JSON as prettier leaves it: lists of plain values stay on one line where they fit. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2).replace(
    /^( *)(.*)\[\s*([^[\]{}]*?)\s*\](,?)$/gm,
    (all: string, indent: string, before: string, inner: string, comma: string) => {
      const line = `${indent}${before}[${inner.replace(/\s*\n\s*/g, ' ')}]${comma}`;
      return line.length <= 110 ? line : all;
    },
  );
  return `${text}\n`;
}
