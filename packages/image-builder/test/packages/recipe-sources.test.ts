import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDeb822Sources, parseOneLineSources } from '../../src/packages/parse-sources.ts';
import { renderSources } from '../../src/packages/package-source.ts';
import { sourcesForRecipe } from '../../src/packages/recipe-sources.ts';
import { recipeSchema } from '../../src/recipe/schema/recipe-schema.ts';
import { archiveKey, temporaryFolder } from './local-archive.ts';

const recipe = (rest: object = {}): ReturnType<typeof recipeSchema.parse> =>
  recipeSchema.parse({ version: 1, name: 'box', ...rest });

async function etcApt(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'sources.list.d'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const main = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
`;

test('one-line sources', () => {
  expect(
    parseOneLineSources(`# deb http://commented.example/debian bookworm main
deb [ arch=amd64,arm64 signed-by=/k.gpg ] http://a.example/debian bookworm main contrib # tail
deb-src http://a.example/debian bookworm main
deb http://b.example/security bookworm-security main
deb file:/flat ./
`),
  ).toEqual([
    {
      uri: 'http://a.example/debian',
      suite: 'bookworm',
      components: ['main', 'contrib'],
      architectures: ['amd64', 'arm64'],
      signedBy: '/k.gpg',
    },
    { uri: 'http://b.example/security', suite: 'bookworm-security', components: ['main'], architectures: [] },
    { uri: 'file:/flat', suite: './', components: [], architectures: [] },
  ]);
});

test('deb822 sources: several suites, comments, paragraphs that are off', () => {
  const sources = parseDeb822Sources(main);
  expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
    'http://mirror.example/debian bookworm',
    'http://mirror.example/debian bookworm-updates',
    'http://mirror.example/debian bookworm-backports',
  ]);
});

test("the machine's Debian sources are taken, others are not", async () => {
  const folder = await etcApt({
    'sources.list': 'deb http://security.example/debian-security bookworm-security main\n',
    'sources.list.d/debian.sources': main,
    'sources.list.d/vendor.list':
      'deb [signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.example bookworm main\n',
    'sources.list.d/tool.list': 'deb http://tool.example tool-bookworm main\n',
    'sources.list.d/arm.list': 'deb [arch=arm64] http://arm.example/debian bookworm main\n',
    'sources.list.d/inline.sources':
      'Types: deb\nURIs: http://inline.example\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n x\n',
    'sources.list.d/off.sources.disabled': main.replaceAll('mirror.example', 'off.example'),
  });
  const sources = await sourcesForRecipe(recipe(), { etcApt: folder, keyring: archiveKey });
  expect(sources).toEqual([
    { uri: 'http://mirror.example/debian', suite: 'bookworm', components: ['main'], signedBy: archiveKey },
    {
      uri: 'http://mirror.example/debian',
      suite: 'bookworm-updates',
      components: ['main'],
      signedBy: archiveKey,
    },
    {
      uri: 'http://security.example/debian-security',
      suite: 'bookworm-security',
      components: ['main'],
      signedBy: archiveKey,
    },
  ]);
  const few = await sourcesForRecipe(recipe({ updates: { security: false, stable: false } }), {
    etcApt: folder,
    keyring: archiveKey,
  });
  expect(few.map(({ suite }) => suite)).toEqual(['bookworm']);
});

test("a recipe's mirror and snapshot come before the machine's sources", async () => {
  const sources = await sourcesForRecipe(
    recipe({
      distribution: {
        mirror: 'http://snap.example/debian/{snapshot}',
        securityMirror: 'http://snap.example/security/{snapshot}',
        snapshot: '20250520T000000Z',
        components: ['main', 'non-free-firmware'],
      },
    }),
    { etcApt: '/nonexistent', keyring: archiveKey },
  );
  expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
    'http://snap.example/debian/20250520T000000Z bookworm',
    'http://snap.example/debian/20250520T000000Z bookworm-updates',
    'http://snap.example/security/20250520T000000Z bookworm-security',
  ]);
  expect(renderSources(sources).split('\n\n')[0]).toBe(
    `Types: deb
URIs: http://snap.example/debian/20250520T000000Z
Suites: bookworm
Components: main non-free-firmware
Architectures: amd64
Signed-By: ${archiveKey}`,
  );
});

test('missing sources and a missing keyring are typed', async () => {
  const folder = await etcApt({ 'sources.list': 'deb http://mirror.example/debian bookworm main\n' });
  await expect(sourcesForRecipe(recipe(), { etcApt: folder, keyring: archiveKey })).rejects.toMatchObject({
    code: 'PACKAGES_NO_SOURCES',
    suite: 'bookworm-security',
  });
  await rm(join(folder, 'sources.list'));
  await expect(sourcesForRecipe(recipe(), { etcApt: folder, keyring: archiveKey })).rejects.toMatchObject({
    suite: 'bookworm',
  });
  await expect(sourcesForRecipe(recipe(), { etcApt: folder, keyring: '/gone.gpg' })).rejects.toMatchObject({
    code: 'PACKAGES_NO_KEYRING',
    path: '/gone.gpg',
  });
});
