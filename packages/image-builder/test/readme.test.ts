import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@osforge/process';
import { expect, test } from 'vitest';

test("the README's example runs and prints what it says", async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [example = '', output = ''] = [...readme.matchAll(/^```(?:ts)?\n(.*?)^```$/gms)].map(
    (match) => match[1],
  );
  const file = fileURLToPath(new URL('.readme-example.ts', import.meta.url));
  const temporary = await mkdtemp(path.join(tmpdir(), 'osforge-readme-'));
  await writeFile(file, example);
  try {
    const { stdout } = await run(process.execPath, ['--conditions=@osforge/source', file], {
      timeoutMs: 60_000,
      env: { TMPDIR: temporary },
    });
    expect(stdout.trim()).toBe(output.trim());
  } finally {
    await rm(file, { force: true });
    await rm(temporary, { recursive: true, force: true });
  }
});
