import { expect, test } from 'vitest';
import { parseDpkgStatus, parsePackageList } from '../../src/phases/package-list.ts';

test('dpkg-query lines are sorted by name', () => {
  expect(parsePackageList('zlib1g\t1:1.2\tamd64\nadduser\t3.134\tall\n')).toEqual([
    { name: 'adduser', version: '3.134', architecture: 'all' },
    { name: 'zlib1g', version: '1:1.2', architecture: 'amd64' },
  ]);
});

test('of a status file only what is installed counts', () => {
  const stanza = (name: string, status: string): string =>
    `Package: ${name}\nStatus: ${status}\nArchitecture: amd64\nVersion: 1-1\nDescription: text\n Package: not-this\n`;
  const status = [
    stanza('b', 'install ok installed'),
    stanza('gone', 'deinstall ok config-files'),
    stanza('a', 'install ok installed'),
  ].join('\n');
  expect(parseDpkgStatus(status).map(({ name }) => name)).toEqual(['a', 'b']);
});
