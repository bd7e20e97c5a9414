import { expect, test } from 'vitest';
import { defaultCacheDirectory, layOut } from '../../src/build/layout.ts';
import { sourceDateEpochOf, SourceDateEpochError } from '../../src/build/open-environment.ts';
import { derivedUuid, diskIdentifiers } from '../../src/build/identifiers.ts';

test("the recipe's epoch wins over the environment's; without either there is none", () => {
  expect(sourceDateEpochOf(1_600_000_000, { SOURCE_DATE_EPOCH: '1' })).toBe(1_600_000_000);
  expect(sourceDateEpochOf(undefined, { SOURCE_DATE_EPOCH: '1700000000' })).toBe(1_700_000_000);
  expect(sourceDateEpochOf(undefined, { SOURCE_DATE_EPOCH: ' ' })).toBeUndefined();
  expect(sourceDateEpochOf(undefined, {})).toBeUndefined();
});

test.each(['now', '-1', '1.5', '0', '4354819200', '1e9'])('SOURCE_DATE_EPOCH=%s is refused', (value) => {
  expect(() => sourceDateEpochOf(undefined, { SOURCE_DATE_EPOCH: value })).toThrow(SourceDateEpochError);
});

test('downloads go to the first folder that is named', () => {
  expect(defaultCacheDirectory({ OSFORGE_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c');
  expect(defaultCacheDirectory({ XDG_CACHE_HOME: '/x' })).toBe('/x/osforge');
  expect(defaultCacheDirectory({ XDG_CACHE_HOME: 'relative' })).toMatch(/\.cache\/osforge$/);
});

test('a build lies below the output folder, under its id', () => {
  const layout = layOut('/out', 'one', '/cache');
  expect(layout).toMatchObject({
    directory: '/out/one',
    state: '/out/one/.osforge',
    work: '/out/one/.osforge/work',
  });
});

test('identifiers depend on the seed and the role alone, and are well-formed UUIDs', () => {
  const one = diskIdentifiers('debian');
  expect(diskIdentifiers('debian')).toEqual(one);
  expect(diskIdentifiers('other').disk).not.toBe(one.disk);
  expect(new Set(Object.values(one)).size).toBe(Object.keys(one).length);
  expect(derivedUuid('a', 'b')).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(one.espVolumeId).toMatch(/^[0-9a-f]{8}$/);
});
