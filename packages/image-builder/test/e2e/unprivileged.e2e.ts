/**
 * A user who is not root, new on this machine, with nothing but subordinate ids, builds the same image as root, is
 * killed, cleans up, and runs a build machine. Needs root to make that user, who is removed afterwards.
 *
 * With OSFORGE_SOAK=1 the builder is killed at further moments.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtManifest, rawDisk, sameIndexes } from './fixtures/built-manifest.ts';
import { describeDifference } from './fixtures/describe-difference.ts';
import type { Doom } from './fixtures/doom.ts';
import {
  builderCommand,
  lastOf,
  phasesOf,
  plainEnvironment,
  repository,
  runEventProcess,
  type EventProcessEnd,
} from './fixtures/event-process.ts';
import { endOf } from './fixtures/family.ts';
import { addOrdinaryUser, subordinateRange, type OrdinaryUser } from './fixtures/ordinary-user.ts';

const soak = process.env['OSFORGE_SOAK'] === '1';
const cache = path.join(tmpdir(), 'osforge-e2e-cache');
const buildId = 'mine';
let root: string;
let user: OrdinaryUser;
let out: string;
let recipe: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-user-'));
  user = addOrdinaryUser(root);
  out = path.join(user.home, 'out');
  recipe = path.join(user.repository, 'recipes', 'debian-no-apps.yaml');
  const archives = path.join(cache, 'archives');
  if (!existsSync(archives)) return;
  // What root has downloaded, but for one: that is fetched by this user.
  const own = path.join(user.home, 'cache', 'archives');
  cpSync(archives, own, { recursive: true });
  rmSync(path.join(own, 'partial'), { recursive: true, force: true });
  for (const name of readdirSync(own).filter((one) => one.startsWith('libc6_'))) rmSync(path.join(own, name));
  execFileSync('chown', ['--recursive', `${user.name}:`, path.join(user.home, 'cache')]);
});

afterAll(async () => {
  for (const pid of user.processes()) process.kill(pid, 'SIGKILL');
  user.remove();
  await rm(root, { recursive: true, force: true });
});

function buildAsUser(place = out, id = buildId, doom?: Doom, ofRecipe = recipe): Promise<EventProcessEnd> {
  const command = user.command('doomed-builder.ts', [ofRecipe, place, id, path.join(user.home, 'cache')]);
  return runEventProcess(command, {
    env: plainEnvironment(doom === undefined ? {} : { DOOM: JSON.stringify(doom) }),
  });
}

async function cleanAsUser(...flags: string[]): Promise<unknown> {
  const [program, ...args] = user.command('clean.ts', [out, buildId, ...flags]);
  return JSON.parse((await promisify(execFile)(program, args)).stdout);
}

/** Files that do not belong to the user himself. */
function foreignFiles(folder: string): string[] {
  const found = execFileSync('find', [folder, '!', '-user', user.name, '-print'], { encoding: 'utf8' });
  return found.split('\n').filter((line) => line !== '');
}

test('without subordinate ids he is told the one command that helps, and nothing is started', async () => {
  const end = await buildAsUser();
  expect(end.code).toBe(1);
  expect(lastOf(end.events, 'phase.failed')).toMatchObject({ code: 'PREFLIGHT_FAILED' });
  expect(end.stderr).toMatch(
    /has no range of 65536 subordinate user ids in \/etc\/subuid and group ids in \/etc\/subgid/,
  );
  expect(existsSync(path.join(out, buildId, '.osforge', 'work'))).toBe(false);
  expect(end.events.filter(({ type }) => /log|progress$/.test(type) && type.startsWith('phase'))).toEqual([]);

  const remedy = /as root: (usermod .+)$/m.exec(end.stderr)?.[1] ?? '';
  expect(remedy).toContain(user.name);
  const others = readFileSync('/etc/subuid', 'utf8').trim().split('\n');
  execFileSync('sh', ['-c', remedy]);
  const { first, end: after } = subordinateRange(user.name);
  expect(after - first).toBe(65_536);
  for (const line of others.filter((one) => one !== '')) {
    const [, start = 0, count = 0] = line.split(':').map(Number);
    expect(start + count <= first || start >= after).toBe(true);
  }
});

const inDisk = { who: 'builder', type: 'phase.log', data: { phase: 'disk' } } as const;
/** At the first, files of other ids than his own are in the tree. */
const moments: Doom[] = [
  { ...inDisk, text: 'Generating /boot/initrd' },
  ...(soak
    ? [
        { ...inDisk, text: '^Unpacking', nth: 3 },
        { ...inDisk, text: '^Setting up', nth: 40 },
        { ...inDisk, text: 'running --customize-hook' },
        { ...inDisk, type: 'phase.progress', text: 'making the boot partition' },
      ]
    : []),
];

test.each(moments)(
  'killed in `disk` at "$text", nothing runs on and nothing is left that he cannot remove',
  async (doom) => {
    const end = await buildAsUser(out, buildId, doom);
    expect(end.signal).toBe('SIGKILL');
    lastOf(end.events, 'test.killed');
    // Ended by the kernel as soon as it gets to it; what forked at the very moment is among them.
    await endOf(user.processes());
    expect(user.processes()).toEqual([]);
    const tree = path.join(out, buildId, '.osforge', 'work', 'disk', 'tree');
    if (doom === moments[0]) expect(foreignFiles(tree)).not.toEqual([]);
    expect(await cleanAsUser()).toMatchObject({ failed: [], unknown: [], blocked: [] });
    expect(existsSync(tree)).toBe(false);
    expect(foreignFiles(out)).toEqual([]);
  },
);

test('his image is that of root, byte for byte', async () => {
  const rootOut = path.join(root, 'by-root');
  const byRoot = builderCommand('doomed-builder.ts', [
    path.join(repository, 'recipes', 'debian-no-apps.yaml'),
    rootOut,
    'reference',
    cache,
  ]);
  for (;;) {
    const [his, reference] = await Promise.all([
      buildAsUser(),
      runEventProcess(byRoot, { env: plainEnvironment() }),
    ]);
    expect([his.stderr, reference.stderr]).toEqual(['', '']);
    const [one, other] = [await builtManifest(out, buildId), await builtManifest(rootOut, 'reference')];
    if (!sameIndexes(one, other)) {
      // The archive has published new indexes meanwhile: once more, from nothing.
      await Promise.all([rm(out, { recursive: true }), rm(rootOut, { recursive: true })]);
      continue;
    }
    if (one.rawDisk.sha256 !== other.rawDisk.sha256) {
      const difference = await describeDifference(rawDisk(out, buildId), rawDisk(rootOut, 'reference'));
      expect.fail(`the images differ:\n${difference}`);
    }
    expect(phasesOf(his.events, 'phase.completed').at(-1)).toBe('cleanup');
    break;
  }
  expect(foreignFiles(out)).toEqual([]);
  await rm(rootOut, { recursive: true });
});

test('his build machine boots, installs nginx and ends clean; in the end he removes all of it', async () => {
  const [shipped, full] = ['debian-no-apps', 'debian-minimal'].map((name) =>
    readFileSync(path.join(repository, 'recipes', `${name}.yaml`), 'utf8'),
  );
  const apps = full?.slice(full.search(/^apps:/m)) ?? '';
  const withApps = path.join(user.home, 'with-apps.yaml');
  writeFileSync(withApps, `${shipped ?? ''}\n${apps}`);
  execFileSync('chown', [`${user.name}:`, withApps]);
  const end = await buildAsUser(out, buildId, undefined, withApps);
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  expect(phasesOf(end.events, 'phase.reused')).toEqual(
    expect.arrayContaining(['preflight', 'updates', 'disk', 'os-updates']),
  );
  expect(phasesOf(end.events, 'phase.started')).toEqual(expect.arrayContaining(['vm-start', 'app-install']));
  expect(lastOf(end.events, 'vm.verdict')).toMatchObject({ kind: 'clean' });
  expect(foreignFiles(out)).toEqual([]);
  expect(user.processes()).toEqual([]);

  expect(await cleanAsUser('all')).toMatchObject({ failed: [], unknown: [], blocked: [] });
  expect(readdirSync(out)).toEqual([]);
});

test('a folder that belongs to root is refused before anything starts, with who owns it', async () => {
  const foreign = path.join(root, 'of-root');
  mkdirSync(foreign);
  const inNew = await buildAsUser(path.join(foreign, 'out'));
  expect(inNew.code).toBe(1);
  expect(inNew.events).toEqual([]);
  expect(inNew.stderr).toMatch(
    new RegExp(`output folder: ${user.name} cannot write to ${foreign}, which belongs to user 0`),
  );
  expect(readdirSync(foreign)).toEqual([]);

  // As a build with sudo leaves it in a folder of his own.
  const sudo = path.join(out, 'with-sudo', '.osforge');
  mkdirSync(sudo, { recursive: true });
  const inOld = await buildAsUser(out, 'with-sudo');
  expect(inOld.code).toBe(1);
  expect(inOld.stderr).toMatch(/output folder: .* cannot write to .*with-sudo, which belongs to user 0/);
  expect(readdirSync(sudo)).toEqual([]);
});
