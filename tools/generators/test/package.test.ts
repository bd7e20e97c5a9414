import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { readJson, writeJson, type Tree } from '@nx/devkit';
import { beforeEach, expect, test } from 'vitest';
import packageGenerator from '../package/generator.ts';

let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace();
  writeJson(tree, 'tsconfig.json', { files: [], references: [{ path: './packages/flush' }] });
});

test('writes a whole package of the house shape', () => {
  packageGenerator(tree, { name: 'log-parser', layer: 1, description: 'Splits "transcripts".' });
  const files = tree.listChanges().map((change) => change.path);
  for (const file of [
    'README.md',
    'package.json',
    'project.json',
    'tsconfig.json',
    'tsconfig.lib.json',
    'tsconfig.spec.json',
    'tsup.config.ts',
    'vitest.config.ts',
    'src/index.ts',
    'test/readme.test.ts',
    'test/setup.ts',
    'bench/log-parser.bench.ts',
  ]) {
    expect(files).toContain(`packages/log-parser/${file}`);
  }
  expect(readJson(tree, 'packages/log-parser/package.json')).toMatchObject({
    name: '@osforge/log-parser',
    description: 'Splits "transcripts".',
  });
  expect(readJson(tree, 'packages/log-parser/project.json')).toMatchObject({ tags: ['layer:1'] });
  expect(tree.read('packages/log-parser/src/index.ts', 'utf8')).toContain('logParserGreeting');
  expect(tree.read('.changeset/log-parser-first.md', 'utf8')).toBe(
    '---\n\'@osforge/log-parser\': minor\n---\n\nSplits "transcripts".\n',
  );
  expect(readJson(tree, 'tsconfig.json')).toEqual({
    files: [],
    references: [{ path: './packages/flush' }, { path: './packages/log-parser' }],
  });
});

test('leaves no placeholder behind', () => {
  packageGenerator(tree, { name: 'perf', layer: 0 });
  for (const change of tree.listChanges().filter((each) => each.path.startsWith('packages/perf'))) {
    expect(change.path).not.toMatch(/__|template/);
    expect(change.content?.toString()).not.toMatch(/<%|%>/);
  }
});

test('never touches a package that exists', () => {
  tree.write('packages/flush/src/index.ts', 'export {};\n');
  const before = tree.listChanges().length;
  expect(() => packageGenerator(tree, { name: 'flush', layer: 0 })).toThrow(/packages\/flush exists already/);
  expect(tree.listChanges()).toHaveLength(before);
});

test.each(['Flush', '@osforge/flush', '../flush', 'a--b', ''])('refuses the name %j', (name) => {
  expect(() => packageGenerator(tree, { name, layer: 0 })).toThrow(/is no package name/);
});

test('refuses a layer that does not exist', () => {
  expect(() => packageGenerator(tree, { name: 'x', layer: 4 })).toThrow(/layer 4 does not exist/);
});
