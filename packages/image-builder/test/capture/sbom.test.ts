import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { provenance } from '../../src/capture/provenance.ts';
import { cycloneDx, type SbomFacts } from '../../src/capture/sbom.ts';

/** The official schemas, unchanged, as the CycloneDX project ships them in its library. */
async function schema(name: string): Promise<object> {
  const file = path.join(import.meta.dirname, 'fixtures', `${name}.schema.json.gz`);
  return JSON.parse(gunzipSync(await readFile(file)).toString()) as object; // a JSON schema is an object
}

const stanza = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
const facts: SbomFacts = {
  name: 'demo',
  release: 'bookworm',
  contentSha256: 'ab'.repeat(32),
  sourceDateEpoch: 1_750_000_000,
  dpkgStatus: [
    stanza([
      'Package: libstdc++6',
      'Status: install ok installed',
      'Architecture: amd64',
      'Source: gcc-12 (12.2.0-14)',
      'Version: 1:12.2.0-14+deb12u1',
    ]),
    stanza([
      'Package: zlib1g',
      'Status: install ok installed',
      'Architecture: amd64',
      'Source: zlib',
      'Version: 1:1.2.13~dfsg-1',
    ]),
    stanza(['Package: adduser', 'Status: install ok installed', 'Architecture: all', 'Version: 3.134']),
    stanza(['Package: gone', 'Status: deinstall ok config-files', 'Architecture: all', 'Version: 1']),
  ].join('\n'),
};

test('the list of packages is a CycloneDX 1.6 by the official schema, which refuses what is none', async () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  // The names by which it refers to the other two.
  for (const name of ['spdx', 'jsf-0.82'])
    ajv.addSchema(await schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  const validate = ajv.compile(await schema('bom-1.6'));
  const bom = JSON.parse(cycloneDx(facts)) as Record<string, unknown>; // written as an object
  expect(validate(bom), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...bom, serialNumber: 'x' })).toBe(false);
  expect(validate({ ...bom, components: [{ name: 'without a type' }] })).toBe(false);
});

test('packages have version, source and package URL; the same facts give the same text', () => {
  const bom = JSON.parse(cycloneDx(facts)) as { components: unknown[] };
  expect(bom.components).toHaveLength(3);
  expect(bom.components[0]).toMatchObject({
    name: 'adduser',
    purl: 'pkg:deb/debian/adduser@3.134?arch=all&distro=bookworm',
    properties: [{ value: 'all' }, { value: 'adduser' }, { value: '3.134' }],
  });
  expect(bom.components[1]).toMatchObject({
    name: 'libstdc++6',
    version: '1:12.2.0-14+deb12u1',
    purl: 'pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bdeb12u1?arch=amd64&distro=bookworm',
    properties: [{ value: 'amd64' }, { value: 'gcc-12' }, { value: '12.2.0-14' }],
  });
  expect(bom.components[2]).toMatchObject({
    properties: [{}, { value: 'zlib' }, { value: '1:1.2.13~dfsg-1' }],
  });
  expect(cycloneDx(facts)).toBe(cycloneDx({ ...facts }));
});

test('the provenance names every file with its digest, the recipe and the packages', () => {
  const recipe = { name: 'demo' };
  const statement = provenance({
    buildId: 'demo-1',
    release: 'bookworm',
    recipe,
    suites: [],
    sourceDateEpoch: 1,
    tools: { 'qemu-utils': '7.2' },
    packages: [{ name: 'adduser', version: '3.134', architecture: 'all' }],
    subjects: [{ name: 'demo.qcow2', sha256: 'ab'.repeat(32) }],
    finishedAt: new Date(0),
  });
  expect(statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'demo.qcow2', digest: { sha256: 'ab'.repeat(32) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        externalParameters: {
          recipe: { name: 'demo', digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string } },
        },
        resolvedDependencies: [{ uri: 'pkg:deb/debian/adduser@3.134?arch=all&distro=bookworm' }],
      },
      runDetails: { builder: { id: 'urn:osforge:image-builder' }, metadata: { invocationId: 'demo-1' } },
    },
  });
});
