import { expect, test } from 'vitest';
import { SecretMask } from '../../src/build/secret-mask.ts';

test('a value is masked as it is and in base64, the longest first', () => {
  const mask = new SecretMask();
  mask.add('hunter2');
  mask.add('hunter2hunter2');
  expect(mask.mask('a=hunter2 b=hunter2hunter2 c=aHVudGVyMg==')).toBe('a=*** b=*** c=***');
});

test('a value of three characters stays, and nothing is masked before anything is known', () => {
  const mask = new SecretMask();
  expect(mask.mask('abc hunter2')).toBe('abc hunter2');
  mask.add('abc');
  expect(mask.mask('abc')).toBe('abc');
});

test('of a secret of several lines each line is a secret, but for short ones', () => {
  const mask = new SecretMask();
  mask.add('-----BEGIN KEY-----\nAAAABBBBCCCC\nxy\n');
  expect(mask.mask('+ echo AAAABBBBCCCC xy')).toBe('+ echo *** xy');
});
