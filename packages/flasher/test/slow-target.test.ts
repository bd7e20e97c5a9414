import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FlashEngine } from '../src/engine/flash-engine.ts';
import { openSource } from '../src/source/open-source.ts';
import { defaultSettings, memoryIdentity, memoryTarget } from './fake-target.ts';
import { image, mebibyte, scratch, tool } from './scratch.ts';

const size = 12 * mebibyte;

test.each([
  ['raw', 8],
  ['gzip', 8],
  ['zstd', 2],
])(
  'of %s: targets that hang stop none of the others, and complete when they go on (%i of 10)',
  async (format, slow) => {
    const raw = image(scratch(), size, 1);
    if (format === 'gzip') tool('gzip', '-1', '--keep', raw);
    if (format === 'zstd') tool('zstd', '-q', '-1', raw);
    const source = await openSource({ path: { raw, gzip: `${raw}.gz`, zstd: `${raw}.zst` }[format] ?? raw });
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const targets = Array.from({ length: 10 }, (_, index) =>
      memoryTarget(`target ${index}`, size, index < slow ? gate : undefined),
    );
    const engine = new FlashEngine({
      source,
      open: ({ path }) => {
        const target = targets.find(({ identity }) => identity.path === path);
        return target === undefined ? Promise.reject(new Error(path)) : Promise.resolve(target);
      },
      settings: defaultSettings,
      // A window far smaller than the image: the slow ones must fall out of it.
      layout: { chunkBytes: 65_536, rangeBytes: 1 << 20 },
      windowBytes: 2 << 20,
      digestWhole: true,
      onProgress: () => {},
      now: () => performance.now(),
    });
    const ended = targets.map(({ identity: { path } }) => engine.add(path, memoryIdentity(path, size)));

    // The gate is still closed: this would never end if one of them could hold up another.
    const fast = await Promise.all(ended.slice(slow));
    expect(fast.map(({ ok }) => ok)).not.toContain(false);
    open();
    const outcomes = await Promise.all(ended);
    await engine.close();

    expect(outcomes.map((outcome) => (outcome.ok ? 'complete' : outcome.error))).toEqual(
      Array(10).fill('complete'),
    );
    const expected = readFileSync(raw);
    for (const { bytes } of targets) expect(bytes.equals(expected)).toBe(true);
    const fellBehind = outcomes.filter((outcome) => outcome.ok && outcome.work.fellBehind);
    expect(fellBehind.length).toBeGreaterThanOrEqual(slow);
  },
);
