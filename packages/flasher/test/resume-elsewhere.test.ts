import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TargetVanishedError, type TargetIdentity } from '@osforge/flasher';
import { type EngineOutcome, FlashEngine } from '../src/engine/flash-engine.ts';
import { openSource } from '../src/source/open-source.ts';
import type { TargetHandle } from '../src/targets/target-handle.ts';
import { defaultSettings, memoryIdentity, memoryTarget } from './fake-target.ts';
import { image, mebibyte, scratch, sha256 } from './scratch.ts';

const size = 8 * mebibyte;
/** Of the four that fit before it is gone: the first is written at the end, and the last was perhaps not read back. */
const verified = [1, 2];

interface Stick {
  /** Plugs it in: it has another name then, and what it held. */
  plug(path: string, options?: { readonly serial?: string; readonly goneAt?: number }): TargetHandle;
  readonly bytes: Buffer;
}

function stick(): Stick {
  const memory = memoryTarget('memory', size);
  return {
    bytes: memory.bytes,
    plug(path, { serial = '4C530001230405117260', goneAt = Number.POSITIVE_INFINITY } = {}) {
      const identity: TargetIdentity = { ...memoryIdentity(path, size), serial };
      return {
        ...memory,
        identity,
        write(buffer, offset) {
          if (offset + buffer.length <= goneAt) return memory.write(buffer, offset);
          const fields = { path, operation: 'write', offsetBytes: offset };
          return Promise.reject(new TargetVanishedError(`${path} is gone`, fields));
        },
      };
    },
  };
}

/** One flash in a process of its own, as it were: nothing is left of the one before but the journal. */
async function flash(source: string, journalFolder: string, target: TargetHandle): Promise<EngineOutcome> {
  const engine = new FlashEngine({
    source: await openSource({ path: source }),
    open: () => Promise.resolve(target),
    settings: { ...defaultSettings, journalFolder },
    layout: { chunkBytes: 65_536, rangeBytes: mebibyte },
    windowBytes: 4 * mebibyte,
    digestWhole: true,
    onProgress: () => {},
    now: () => performance.now(),
  });
  const outcome = await engine.add(target.identity.path, target.identity);
  await engine.close();
  return outcome;
}

const resumed = (outcome: EngineOutcome): readonly number[] => (outcome.ok ? outcome.work.resumedRanges : []);

test('a stick that comes back under another name goes on where it was: its serial number is the key', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journals = join(folder, 'journals');
  const one = stick();
  expect(await flash(source, journals, one.plug('/dev/sdb', { goneAt: size / 2 }))).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_VANISHED' },
  });
  expect(readdirSync(journals)).toHaveLength(1);

  const outcome = await flash(source, journals, one.plug('/dev/sdc'));
  expect(outcome).toMatchObject({ ok: true, work: { identity: { path: '/dev/sdc' } } });
  expect(resumed(outcome)).toEqual(expect.arrayContaining(verified));
  expect(one.bytes.equals(readFileSync(source))).toBe(true);
  expect(readdirSync(journals)).toEqual([]);
});

test('another stick under the name of the first one resumes nothing of it, and leaves it its journal', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journals = join(folder, 'journals');
  const [one, other] = [stick(), stick()];
  await flash(source, journals, one.plug('/dev/sdb', { goneAt: size / 2 }));

  const outcome = await flash(source, journals, other.plug('/dev/sdb', { serial: '4C530001230405117261' }));
  expect(outcome.ok).toBe(true);
  expect(resumed(outcome)).toEqual([]);
  expect(other.bytes.equals(readFileSync(source))).toBe(true);
  expect(resumed(await flash(source, journals, one.plug('/dev/sdd')))).toEqual(
    expect.arrayContaining(verified),
  );
});

test('another image leaves nothing of the first one in the journal, also if it is cut earlier', async () => {
  const [folder, otherFolder] = [scratch(), scratch()];
  const [source, other] = [image(folder, size, 1), image(otherFolder, size, 1)];
  const journals = join(folder, 'journals');
  const one = stick();
  await flash(source, journals, one.plug('/dev/sdb', { goneAt: size / 2 }));

  expect(await flash(other, journals, one.plug('/dev/sdb', { goneAt: 3 * mebibyte }))).toMatchObject({
    ok: false,
  });
  const [name = ''] = readdirSync(journals);
  const journal = readFileSync(join(journals, name), 'utf8');
  const digests = (path: string): string[] =>
    [1, 2, 3].map((range) => sha256(readFileSync(path).subarray(range * mebibyte, (range + 1) * mebibyte)));
  expect(journal).toContain(digests(other)[0]);
  for (const digest of digests(source)) expect(journal).not.toContain(digest);

  expect(await flash(other, journals, one.plug('/dev/sdb'))).toMatchObject({ ok: true });
  expect(one.bytes.equals(readFileSync(other))).toBe(true);
});
