import { describe, expect, test } from 'vitest';
import { foreignPlaces } from '../foreign-places.mjs';
import { shapeProblems } from '../package-shape.mjs';

describe('foreignPlaces', () => {
  const debian = ['deb', 'debian', 'org'].join('.');
  const registry = ['registry', 'npmjs', 'org'].join('.');
  const work = ['', 'work', 'main', 'x'].join('/');

  test.each([
    [`mirror: http://${debian}/debian`, /^a\.md:2: a package mirror \(deb/],
    [`see ${registry}`, /a package registry/],
    [`cd ${work}`, /a path of one machine/],
    ['cd /srv/checkout/packages', /the path of this checkout/],
  ])('finds %j', (line, problem) => {
    const problems = foreignPlaces('a.md', `first\n${line}\n`, '/srv/checkout');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('a lock file names no address to download from', () => {
    const lock = '{ "resolved": "https://example.com/a.tgz" }';
    expect(foreignPlaces('package-lock.json', lock, '/x')).toHaveLength(1);
    expect(foreignPlaces('package-lock.json', '{ "resolved": "packages/flush" }', '/x')).toEqual([]);
  });

  test('leaves ordinary addresses and paths alone', () => {
    const text =
      'http://www.apache.org/licenses/ https://json-schema.org/draft /root/.ssh /home/ada /workspace/main';
    expect(foreignPlaces('LICENSE', text, '/srv/checkout')).toEqual([]);
  });
});

describe('shapeProblems', () => {
  const good = {
    folder: 'packages/flush',
    name: '@osforge/flush',
    files: ['README.md', 'test/a.test.ts', 'bench/a.bench.ts', 'schema/a.schema.json'],
    readme: '# flush\n\n```ts\nflush();\n```\n',
    tags: ['layer:0'],
    publishedJson: ['schema/a.schema.json'],
    testText: "failOnLeaks(hooks); readFile('../README.md'); 'a.schema.json'",
  };
  const changesets = "---\n'@osforge/flush': minor\n---\n";

  test('a whole package', () => {
    expect(shapeProblems(good, changesets)).toEqual([]);
  });

  test.each([
    ['no README.md', { readme: '' }],
    ['README.md shows no example', { readme: '# flush\n' }],
    ['no test', { files: good.files.filter((file) => !file.startsWith('test')) }],
    ['no test runs the example of the README', { testText: 'failOnLeaks(hooks); a.schema.json' }],
    [
      'no test/setup.ts that calls failOnLeaks of @osforge/perf/testing (name it in setupFiles of vitest.config.ts)',
      { testText: good.testText.replace('failOnLeaks', '') },
    ],
    ['no bench', { files: good.files.filter((file) => !file.startsWith('bench')) }],
    ['project.json needs one tag layer:N', { tags: ['layer:0', 'layer:1'] }],
    ['no test compares schema/a.schema.json with the code', { testText: 'failOnLeaks(hooks); README.md' }],
    ['exports schema/a.schema.json, which is not tracked', { files: good.files.slice(0, 3) }],
  ])('%s', (problem, change) => {
    expect(shapeProblems({ ...good, ...change }, changesets)).toEqual([`packages/flush: ${problem}`]);
  });

  test('a package that no changeset names', () => {
    expect(shapeProblems(good, '')).toEqual([
      'packages/flush: neither a changeset nor a CHANGELOG.md names it',
    ]);
    expect(shapeProblems({ ...good, files: [...good.files, 'CHANGELOG.md'] }, '')).toEqual([]);
  });
});
