import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from '@osforge/process';
import { expect, test } from 'vitest';

test("the README's example runs and prints what it says", async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [example = '', output = ''] = [...readme.matchAll(/^```(?:ts)?\n(.*?)^```$/gms)].map(
    (match) => match[1],
  );
  const file = fileURLToPath(new URL('.readme-example.ts', import.meta.url));
  await writeFile(file, example);
  try {
    const { stdout } = await run(process.execPath, ['--conditions=@osforge/source', file], {
      timeoutMs: 60_000,
    });
    expect(stdout.trim()).toBe(output.trim());
  } finally {
    await rm(file, { force: true });
  }
});
