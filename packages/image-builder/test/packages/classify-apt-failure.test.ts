import { expect, test } from 'vitest';
import { classifyAptFailure } from '../../src/packages/classify-apt-failure.ts';
import { isTransientPackageError } from '../../src/packages/errors.ts';

const classified = (...lines: string[]): Error & { code?: string; lines?: readonly string[] } =>
  classifyAptFailure({ what: 'do it', directory: '/d', lines });

// Lines as apt 2.6 writes them.
test.each([
  [
    "W: Failed to fetch http://h/InRelease  Temporary failure resolving 'h'",
    'PACKAGES_MIRROR_UNREACHABLE',
    true,
  ],
  [
    'E: Failed to fetch http://h/x.deb  Could not connect to h:80 (192.0.2.1), connection timed out',
    'PACKAGES_MIRROR_UNREACHABLE',
    true,
  ],
  [
    'E: Failed to fetch http://h/x.deb  Connection failed [IP: 192.0.2.1 80]',
    'PACKAGES_MIRROR_UNREACHABLE',
    true,
  ],
  [
    'E: Failed to fetch http://h/x.deb  503  Service Unavailable [IP: 192.0.2.1 80]',
    'PACKAGES_MIRROR_UNREACHABLE',
    true,
  ],
  ['E: Failed to fetch http://h/x.deb  429  Too Many Requests', 'PACKAGES_MIRROR_UNREACHABLE', true],
  [
    'E: Failed to fetch http://h/x.deb  404  Not Found [IP: 192.0.2.1 80]',
    'PACKAGES_MIRROR_FILE_MISSING',
    false,
  ],
  [
    "E: The repository 'http://h gone Release' does not have a Release file.",
    'PACKAGES_MIRROR_FILE_MISSING',
    false,
  ],
  [
    "W: GPG error: http://h good InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 1",
    'PACKAGES_SIGNATURE_INVALID',
    false,
  ],
  ["E: The repository 'http://h good InRelease' is not signed.", 'PACKAGES_SIGNATURE_INVALID', false],
  [
    'E: Release file for http://h/InRelease is expired (invalid since 1d 2h). Updates for this repository will not be applied.',
    'PACKAGES_RELEASE_EXPIRED',
    false,
  ],
  [
    'E: Release file for http://h/InRelease is not valid yet (invalid for another 3h).',
    'PACKAGES_RELEASE_EXPIRED',
    false,
  ],
  ['E: Failed to fetch http://h/Packages  Hash Sum mismatch', 'PACKAGES_HASH_MISMATCH', true],
  [
    'E: Failed to fetch http://h/Packages  File has unexpected size (1 != 2). Mirror sync in progress?',
    'PACKAGES_HASH_MISMATCH',
    true,
  ],
  ['E: Write error - write (28: No space left on device)', 'PACKAGES_NO_SPACE', false],
  ["E: You don't have enough free space in /x/.", 'PACKAGES_NO_SPACE', false],
  ['E: Packages need to be removed but remove is disabled.', 'PACKAGES_CONFLICT', false],
  ['E: Something new', 'PACKAGES_APT_FAILED', false],
])('%s', (line, code, transient) => {
  const error = classified('Reading package lists...', line);
  expect(error.code).toBe(code);
  expect(error.lines).toEqual([line]);
  expect(isTransientPackageError(error)).toBe(transient);
});

test('a full disk is named before what follows from it', () => {
  expect(
    classified('E: Failed to fetch x  Hash Sum mismatch', 'E: Write error (28: No space left on device)')
      .code,
  ).toBe('PACKAGES_NO_SPACE');
});

test('credentials of a proxy or mirror are not repeated', () => {
  const error = classified('E: Failed to fetch http://user:hunter2@h/x  Could not resolve');
  expect(JSON.stringify(error.lines) + error.message).not.toContain('hunter2');
});
