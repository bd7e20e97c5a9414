/** Builds whose packages cannot be had: no archive answers, or it does not have what the recipe names. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  builderCommand,
  lastOf,
  phasesOf,
  plainEnvironment,
  repository,
  runEventProcess,
  type EventProcessEnd,
} from './fixtures/event-process.ts';

const cache = path.join(tmpdir(), 'osforge-e2e-cache');
let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-archive-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Builds the shipped recipe without applications, with some lines more. */
async function buildWith(name: string, lines: string): Promise<EventProcessEnd> {
  const shipped = await readFile(path.join(repository, 'recipes', 'debian-no-apps.yaml'), 'utf8');
  const recipe = path.join(root, `${name}.yaml`);
  await writeFile(recipe, `${shipped}\n${lines}\n`);
  return runEventProcess(
    builderCommand('filling-builder.ts', [recipe, path.join(root, 'out'), name, cache]),
    {
      env: plainEnvironment(),
    },
  );
}

test('an archive that cannot be reached is tried again with growing pauses, then the build fails and says why', async () => {
  // Nothing listens on the discard port.
  const mirror = 'http://127.0.0.1:9/debian';
  const end = await buildWith(
    'unreachable',
    `distribution:\n  mirror: ${mirror}\n  securityMirror: ${mirror}-security`,
  );
  const retries = end.events.filter(({ type }) => type === 'phase.retrying').map(({ data }) => data);
  expect(retries.map(({ attempt, retriesLeft }) => [attempt, retriesLeft])).toEqual([
    [1, 2],
    [2, 1],
    [3, 0],
  ]);
  for (const retry of retries) {
    expect(retry).toMatchObject({ phase: 'preflight', code: 'PACKAGES_MIRROR_UNREACHABLE' });
  }
  const [first = 0, second = 0, third = 0] = retries.map(({ delayMs }) => Number(delayMs));
  expect(first).toBeGreaterThanOrEqual(1000);
  expect(second).toBeGreaterThanOrEqual(2000);
  expect(third).toBeGreaterThanOrEqual(4000);
  expect(lastOf(end.events, 'build.failed')).toMatchObject({ code: 'PACKAGES_MIRROR_UNREACHABLE' });
  expect(lastOf(end.events, 'phase.failed')).toMatchObject({ code: 'PACKAGES_MIRROR_UNREACHABLE' });
  expect(phasesOf(end.events, 'phase.started')).toEqual(['preflight']);
  expect(end.code).toBe(1);
  expect(end.stderr).toMatch(/cannot be reached\. Check the network/);
  expect(end.stderr).toContain('127.0.0.1');
});

test('an application with a package that does not exist fails with the nearest name, before anything is unpacked', async () => {
  const end = await buildWith('misspelt', 'apps:\n  - name: web\n    packages: [ngnix]');
  expect(lastOf(end.events, 'phase.failed')).toMatchObject({ phase: 'apps', code: 'PACKAGES_UNKNOWN' });
  expect(end.stderr).toMatch(/No package index has: ngnix \(did you mean [^)]*\bnginx\b[^)]*\?\)/);
  expect(end.code).toBe(1);
  const unpacked = end.events.filter(
    ({ type, data }) =>
      type === 'phase.log' && data['phase'] === 'disk' && String(data['line']).startsWith('Unpacking'),
  );
  expect(unpacked).toEqual([]);
  expect(phasesOf(end.events, 'phase.completed')).not.toContain('disk');
});
