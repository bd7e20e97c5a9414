/**
 * Whole builds, killed for real and continued.
 *
 * A build that is never killed is the reference. Another one is killed in each of its fourteen phases, by SIGKILL to
 * all of its processes or to the builder alone, and continued without a flag each time. The images must be equal.
 *
 *   npx vitest run --config vitest.e2e.config.ts test/e2e/kill-and-resume.e2e.ts
 *
 * OSFORGE_SOAK=1 adds builds from nothing that are killed at many random moments (OSFORGE_SOAK_BUILDS, default 10).
 * OSFORGE_SEED repeats the random moments of a run that printed it.
 */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint, type BuildRecord } from '@osforge/checkpoint';
import { phaseNames } from '@osforge/image-builder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanInProcess, startBuilder, type BuildEnd, type Place } from './fixtures/build-process.ts';
import type { Doom, SeenEvent } from './fixtures/doom.ts';
import { descendantsOf, endOf, killFamily, processesNaming } from './fixtures/family.ts';
import { differentPaths, expectSameImage, readImage, type ImageContent } from './fixtures/images.ts';

const soak = process.env['OSFORGE_SOAK'] === '1';
const requestedPhases = phaseNames.filter((name) => name !== 'media' && name !== 'usb');
const phasesAfterApps = ['apps', 'app-install', 'vm-shutdown', 'capture', 'cleanup'];
const imageName = 'kill-and-resume';

let place: Place;

/** A recipe folder; `edit` changes one of its applications. */
async function makeRecipe(name: string): Promise<{ path: string; edit: (note: string) => Promise<void> }> {
  const folder = join(place.root, name);
  const edit = (note: string): Promise<void> => writeFile(join(folder, 'note.txt'), `${note}\n`);
  await mkdir(folder);
  await edit('first edition');
  const path = join(folder, 'recipe.yaml');
  await writeFile(
    path,
    [
      'version: 1',
      `name: ${imageName}`,
      'disk:',
      '  size: 2G',
      'drivers:',
      '  packages: [firmware-linux-free]',
      'apps:',
      '  - name: nginx',
      '    packages: [nginx]',
      '    checks:',
      '      - unit: nginx.service',
      '  - name: note',
      '    files:',
      '      - source: note.txt',
      '        target: /srv/note.txt',
      '',
    ].join('\n'),
  );
  return { path, edit };
}

let recipe: Awaited<ReturnType<typeof makeRecipe>>;
let editedRecipe: Awaited<ReturnType<typeof makeRecipe>>;

/** A build that nobody disturbed. */
interface Reference {
  readonly buildId: string;
  readonly image: ImageContent;
}
/** By the package indexes that they were made from. */
const references = new Map<string, Reference>();

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'osforge-kill-'));
  place = {
    root,
    out: join(root, 'out'),
    temporary: join(root, 'tmp'),
    cache: join(tmpdir(), 'osforge-e2e-cache'),
  };
  await mkdir(place.temporary);
  recipe = await makeRecipe('recipe');
  editedRecipe = await makeRecipe('edited');
});

afterAll(async () => {
  // Whatever a failed test has left running names our folder, and nobody else's process does.
  for (const { pid } of processesNaming(place.root)) killFamily(pid);
  await rm(place.root, { recursive: true, force: true });
});

function buildFolder(buildId: string): string {
  return join(place.out, buildId);
}

async function recordOf(buildId: string): Promise<BuildRecord> {
  const record = await readCheckpoint({ directory: join(buildFolder(buildId), '.osforge'), buildId });
  if (!record) throw new Error(`build ${buildId} has no record`);
  return record;
}

async function committedPhases(buildId: string): Promise<string[]> {
  const { phases } = await recordOf(buildId);
  return phaseNames.filter((name) => phases[name]?.state === 'done');
}

function phasesOf(events: readonly SeenEvent[], type: string): string[] {
  const seen = new Set(events.filter((event) => event.type === type).map(({ data }) => data['phase']));
  return phaseNames.filter((name) => seen.has(name));
}

/** The last event of its type, as what a build that ended says about itself. */
function dataOf(end: BuildEnd, type: string): Readonly<Record<string, unknown>> | undefined {
  return end.events.findLast((event) => event.type === type)?.data;
}

/** No process, mount or temporary file of a build is left but what its ledger lists. */
async function expectNothingLeft(...buildIds: string[]): Promise<void> {
  // Children of a killed builder end on their own; those that the kernel has not got to yet are waited for.
  await endOf(processesNaming(place.root).map(({ pid }) => pid)).catch(() => undefined);
  expect(processesNaming(place.root)).toEqual([]);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  expect(mounts.filter((line) => line.includes(place.root))).toEqual([]);
  const ledgers = await Promise.all(buildIds.map(async (buildId) => (await recordOf(buildId)).ledger));
  const listed = new Set(ledgers.flat().map(({ resourceId }) => resourceId));
  const temporary = (await readdir(place.temporary)).map((name) => join(place.temporary, name));
  expect(temporary.filter((path) => !listed.has(path))).toEqual([]);
}

/** Runs a build to its end, which must be a good one. */
async function finish(buildId: string, path = recipe.path): Promise<BuildEnd> {
  const end = await startBuilder(place, path, buildId).ended;
  expect(end, end.stderr).toMatchObject({ code: 0, signal: null });
  await expectNothingLeft();
  expect((await recordOf(buildId)).ledger).toEqual([]);
  return end;
}

/**
 * Every file below a build's folder; the build's id in names is written as ID. A journal line that a kill has torn is
 * kept on purpose.
 */
async function filesOf(buildId: string): Promise<string[]> {
  const entries = await readdir(buildFolder(buildId), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && entry.name !== 'events.ndjson.torn')
    .map(({ parentPath, name }) =>
      join(parentPath, name).slice(buildFolder(buildId).length).replaceAll(buildId, 'ID'),
    )
    .sort();
}

async function imageOf(buildId: string): Promise<ImageContent> {
  return readImage(join(buildFolder(buildId), `${imageName}.qcow2`), join(place.root, `${buildId}.raw`));
}

async function manifestOf(buildId: string): Promise<{ inputs: { suites: unknown } }> {
  // As `writeManifest` writes it.
  return JSON.parse(await readFile(join(buildFolder(buildId), 'manifest.json'), 'utf8')) as {
    inputs: { suites: unknown };
  };
}

async function indexesOf(buildId: string): Promise<string> {
  return JSON.stringify((await manifestOf(buildId)).inputs.suites);
}

/** Takes a finished build as the reference for all that are made from the same package indexes. */
async function addReference(buildId: string): Promise<Reference> {
  const made = { buildId, image: await imageOf(buildId) };
  references.set(await indexesOf(buildId), made);
  return made;
}

/** What a finished build must be equal to. Where the archive has published meanwhile, one is built from what it has now. */
async function referenceOf(buildId: string): Promise<Reference> {
  const indexes = await indexesOf(buildId);
  const known = references.get(indexes);
  if (known) return known;
  const fresh = `reference-${references.size + 1}`;
  await finish(fresh);
  expect(await indexesOf(fresh)).toBe(indexes);
  return addReference(fresh);
}

/** Checks a finished build against its reference: its image, what its manifest says of it, and its folder. */
async function expectLikeReference(buildId: string): Promise<void> {
  const reference = await referenceOf(buildId);
  const image = await imageOf(buildId);
  await expectSameImage(image, reference.image);
  const { inputs } = await manifestOf(reference.buildId);
  expect(await manifestOf(buildId)).toMatchObject({ fileTree: { sha256: image.treeSha256 }, inputs });
  expect(await filesOf(buildId)).toEqual(await filesOf(reference.buildId));
  await rm(image.raw);
}

describe('builds that nobody disturbs', () => {
  test('two run side by side in one folder with one cache, nobody else may run or clean one meanwhile, and the images are equal', async () => {
    const one = startBuilder(place, recipe.path, 'reference');
    const other = startBuilder(place, editedRecipe.path, 'twin');
    const intruder = new Promise<BuildEnd>((resolve) => {
      one.onEvent(({ type }) => {
        if (type === 'build.started') resolve(startBuilder(place, recipe.path, 'reference').ended);
      });
    });
    const refused = await intruder;
    await expect(cleanInProcess(place, 'reference', true)).rejects.toThrow('CheckpointLockedError');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('CheckpointLockedError');
    expect(refused.stderr).toContain(`process ${one.pid}`);
    expect(refused.events).toEqual([]);
    for (const end of await Promise.all([one.ended, other.ended])) {
      expect(end, end.stderr).toMatchObject({ code: 0, signal: null });
      expect(dataOf(end, 'pipeline.completed')).toMatchObject({ skipped: ['media', 'usb'], reused: [] });
      expect(phasesOf(end.events, 'phase.started')).toEqual(requestedPhases);
    }
    await expectNothingLeft('reference', 'twin');
    const { image } = await addReference('reference');
    expect(await manifestOf('reference')).toMatchObject({
      fileTree: { sha256: image.treeSha256, entries: image.countedEntries },
    });
    await expectLikeReference('twin');
  });
});

interface Step {
  readonly title: string;
  readonly doom: Doom;
  /** Cleaned up by a process of its own before it goes on. */
  readonly clean?: true;
  /** Costs a whole long phase: in the long form only. */
  readonly soak?: true;
}

const at = (phase: string, type: string, more: Omit<Partial<Doom>, 'data' | 'type'> = {}): Doom => ({
  who: 'family',
  type,
  data: { phase },
  ...more,
});

/** One chain: each is a run that continues the one before it. */
const steps: readonly Step[] = [
  { title: 'preflight, as it starts', doom: at('preflight', 'phase.started') },
  {
    title: 'preflight, as it fetches the indexes',
    doom: at('preflight', 'phase.progress', { who: 'builder' }),
  },
  { title: 'drivers, as it starts', doom: at('drivers', 'phase.started') },
  { title: 'updates, as it resolves', doom: at('updates', 'phase.progress') },
  {
    title: 'apps, as it packs the medium',
    doom: at('apps', 'phase.progress', { text: 'making the apps medium' }),
  },
  { title: 'disk, as it starts', doom: at('disk', 'phase.started'), clean: true },
  { title: 'disk, early in the bootstrap', doom: at('disk', 'phase.log', { nth: 200 }) },
  {
    title: 'disk, in the middle of the bootstrap',
    doom: at('disk', 'phase.log', { who: 'builder', nth: 700 }),
    clean: true,
  },
  {
    title: 'disk, in the hook that makes the file system',
    doom: at('disk', 'phase.log', { who: 'builder', text: 'running.*tree-hook' }),
    clean: true,
    soak: true,
  },
  {
    title: 'disk, as it makes the boot partition',
    doom: at('disk', 'phase.progress', { text: 'boot partition' }),
    clean: true,
    soak: true,
  },
  { title: 'os-updates, as it starts', doom: at('os-updates', 'phase.started') },
  { title: 'vm-setup, with the disks of its agent made', doom: at('vm-setup', 'phase.log') },
  { title: 'vm-setup, right after it was committed', doom: at('vm-setup', 'phase.completed') },
  { title: 'vm-start, as the machine boots', doom: { who: 'builder', type: 'vm.console' } },
  { title: 'vm-start, as the machine is saved', doom: at('vm-start', 'phase.progress', { text: 'saving' }) },
  {
    title: 'app-install, in the first application',
    doom: { who: 'builder', type: 'guest.step', data: { app: 'nginx', step: 'packages' } },
    clean: true,
  },
  { title: 'app-install, between log lines', doom: at('app-install', 'phase.log', { nth: 20 }), clean: true },
  {
    title: 'app-install, as the machine is saved',
    doom: at('app-install', 'phase.progress', { text: 'saving' }),
    soak: true,
  },
  { title: 'vm-shutdown, as the machine generalizes itself', doom: at('vm-shutdown', 'phase.progress') },
  {
    title: 'vm-shutdown, as the machine powers off',
    doom: at('vm-shutdown', 'phase.progress', { who: 'builder', text: 'powering off' }),
  },
  { title: 'vm-shutdown, with its verdict', doom: { who: 'family', type: 'vm.verdict' } },
  { title: 'capture, as it reads the disk', doom: at('capture', 'phase.progress', { nth: 5 }), clean: true },
  {
    title: 'capture, as it converts',
    doom: at('capture', 'phase.progress', { who: 'builder', text: 'making' }),
    clean: true,
  },
  {
    title: 'capture, as it writes the manifest',
    doom: at('capture', 'phase.progress', { text: 'manifest' }),
    clean: true,
  },
  { title: 'media, as it is skipped', doom: at('media', 'phase.skipped') },
  { title: 'usb, as it is skipped', doom: at('usb', 'phase.skipped') },
  { title: 'cleanup, as it starts', doom: at('cleanup', 'phase.started') },
  { title: 'cleanup, with its artifacts released', doom: at('cleanup', 'checkpoint.saved') },
];

describe('one build, killed in each of its phases', () => {
  const buildId = 'killed';
  /** Phases that were cut: they must start again. */
  let owed: string[] = [];

  test('the steps cover all fourteen phases', () => {
    const covered = new Set(steps.map(({ title }) => title.replace(/,.*/, '')));
    expect(phaseNames.filter((name) => !covered.has(name))).toEqual([]);
  });

  test.each(steps.filter((step) => soak || step.soak !== true))(
    '$doom.who killed in $title',
    async ({ doom, clean }) => {
      const before = existsSync(buildFolder(buildId)) ? await committedPhases(buildId) : [];
      const end = await startBuilder(place, recipe.path, buildId, doom).ended;
      expect(end.signal, `it ended with ${String(end.code)}: ${end.stderr}`).toBe('SIGKILL');
      await endOf(pidsIn(end));
      await expectNothingLeft(buildId);

      const started = phasesOf(end.events, 'phase.started');
      const committed = await committedPhases(buildId);
      // What was committed holds: it never starts again, and none of it is lost.
      expect(started.filter((name) => before.includes(name))).toEqual([]);
      expect(before.filter((name) => !committed.includes(name))).toEqual([]);
      expect(phasesOf(end.events, 'phase.completed').filter((name) => !committed.includes(name))).toEqual([]);
      // What was cut starts again, but where the kill came before anything could.
      if (doom.type !== 'phase.skipped') expect(owed.filter((name) => !started.includes(name))).toEqual([]);
      const resumed = dataOf(end, 'build.started')?.['resumed'];
      if (before.length > 0) expect(resumed).toBe(true);
      owed = [...new Set([...owed, ...started])].filter((name) => !committed.includes(name));
      if (clean) await expectCleanable(buildId);
    },
  );

  test('it goes on to the end, with what was cut and no more, and its image is the reference', async () => {
    const before = await committedPhases(buildId);
    const end = await finish(buildId);
    expect(phasesOf(end.events, 'phase.started')).toEqual(
      requestedPhases.filter((name) => !before.includes(name)),
    );
    expect(phasesOf(end.events, 'phase.reused')).toEqual(before);
    await expectLikeReference(buildId);
  });
});

/** Ids of the processes that a killed builder had started. */
function pidsIn(end: BuildEnd): number[] {
  const below = dataOf(end, 'test.killed')?.['below'];
  return Array.isArray(below) ? below.map(Number) : [];
}

/** `cleanBuild` in a fresh process removes what a killed build left, from its ledger alone, and nothing else. */
async function expectCleanable(buildId: string): Promise<void> {
  const before = await recordOf(buildId);
  const report = await cleanInProcess(place, buildId);
  expect(report).toMatchObject({ unknown: [], failed: [], blocked: [] });
  expect(report.cleaned.length + report.absent.length).toBe(before.ledger.length);
  expect(before.ledger.filter(({ resourceId }) => existsSync(resourceId))).toEqual([]);
  expect(await readdir(place.temporary)).toEqual([]);
  expect((await filesOf(buildId)).filter((name) => /\.partial$|osforge-tmp$/.test(name))).toEqual([]);
  const after = await recordOf(buildId);
  expect(after.ledger).toEqual([]);
  expect(after.phases).toEqual(before.phases);
}

describe('a finished build that is run again', () => {
  const buildId = 'twin';
  const outputs = (): string[] =>
    [`${imageName}.cdx.json`, `${imageName}.qcow2`, `${imageName}.vhdx`, 'manifest.json', 'SHA256SUMS'].map(
      (name) => join(buildFolder(buildId), name),
    );
  const run = (): Promise<BuildEnd> => finish(buildId, editedRecipe.path);
  const statesOf = async (files: readonly string[]): Promise<string[]> =>
    Promise.all(
      files.map(async (file) => {
        const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
        return [file, ino, size, mtimeNs, ctimeNs].join(' ');
      }),
    );

  test('does nothing where nothing changed, and says so', async () => {
    const before = await statesOf(outputs());
    const end = await run();
    expect(dataOf(end, 'build.completed')).toMatchObject({ unchanged: true });
    expect(phasesOf(end.events, 'phase.started')).toEqual([]);
    expect(await statesOf(outputs())).toEqual(before);
  });

  test('a missing output is captured again, and nothing else is done', async () => {
    await rm(join(buildFolder(buildId), `${imageName}.vhdx`));
    const end = await run();
    expect(phasesOf(end.events, 'phase.started')).toEqual(['capture', 'cleanup']);
    const started = end.events.find(
      ({ type, data }) => type === 'phase.started' && data['phase'] === 'capture',
    );
    expect(started?.data).toMatchObject({ reason: `artifact ${imageName}.vhdx is missing` });
    await expectLikeReference(buildId);
  });

  test('an output with one other byte is captured again', async () => {
    await flipByte(join(buildFolder(buildId), `${imageName}.qcow2`));
    const end = await run();
    expect(phasesOf(end.events, 'phase.started')).toEqual(['capture', 'cleanup']);
    await expectLikeReference(buildId);
  });

  test('an apps medium with one other byte is made again, and what was made from it is reused as it is the same', async () => {
    const before = await statesOf(outputs());
    await flipByte(join(buildFolder(buildId), '.osforge/work/apps.iso'));
    const end = await run();
    expect(phasesOf(end.events, 'phase.started')).toEqual(['apps']);
    expect(phasesOf(end.events, 'phase.reused')).toEqual(requestedPhases.filter((name) => name !== 'apps'));
    expect(await statesOf(outputs())).toEqual(before);
  });

  test('without the last link of its disk, the applications are installed again, as the memory they left was released', async () => {
    await rm(join(buildFolder(buildId), '.osforge/work/vm-disks/3-final.qcow2'));
    const end = await run();
    expect(phasesOf(end.events, 'phase.started')).toEqual([
      'app-install',
      'vm-shutdown',
      'capture',
      'cleanup',
    ]);
    await expectLikeReference(buildId);
  });

  test('an edited application runs again what depends on it, also when it is cancelled by SIGINT meanwhile', async () => {
    await editedRecipe.edit('second edition');
    const cancelled = startBuilder(place, editedRecipe.path, buildId);
    let below: number[] = [];
    cancelled.onEvent(({ type }) => {
      if (type !== 'guest.step' || below.length > 0) return;
      below = descendantsOf(cancelled.pid);
      process.kill(cancelled.pid, 'SIGINT');
    });
    const end = await cancelled.ended;
    expect(end, end.stderr).toMatchObject({ code: 130, signal: null });
    saidCancelled(end);
    expect(below.length).toBeGreaterThan(0);
    await endOf(below);
    await expectNothingLeft(buildId);
    expect(phasesOf(end.events, 'phase.started')).toEqual(['apps', 'app-install']);
    expect(phasesOf(end.events, 'phase.cancelled')).toEqual(['app-install']);
    expect((await recordOf(buildId)).phases['apps']).toMatchObject({ state: 'done' });

    const resumed = await run();
    expect(phasesOf(resumed.events, 'phase.started')).toEqual(phasesAfterApps.slice(1));
    expect(dataOf(resumed, 'build.started')).toMatchObject({ resumed: true });
    const image = await imageOf(buildId);
    const reference = await referenceOf(buildId);
    expect(differentPaths(image, reference.image)).toEqual(['/srv/note.txt']);
    expect(image.outsideRootSha256).toBe(reference.image.outsideRootSha256);
  });

  test('killed from outside at random moments, it ends in the same image', async () => {
    await editedRecipe.edit('first edition');
    const random = seeded();
    for (let round = 0; round < 3; round += 1) {
      if (!(await killedAtRandom(editedRecipe.path, buildId, random, 350))) break;
    }
    await run();
    await expectLikeReference(buildId);
  });

  test('with all, cleaning removes the build, and no other', async () => {
    const report = await cleanInProcess(place, buildId, true);
    expect(report).toMatchObject({ unknown: [], failed: [], blocked: [] });
    const left = await readdir(place.out);
    expect(left).not.toContain(buildId);
    expect(left).toEqual(expect.arrayContaining(['killed', 'reference']));
  });
});

describe('a checkpoint that does not hold', () => {
  const buildId = 'torn';
  const checkpoint = (): string => join(buildFolder(buildId), '.osforge', `checkpoint-${buildId}.json`);

  test('is kept aside, and the build starts over and says so', async () => {
    const cut = await startBuilder(place, recipe.path, buildId, at('updates', 'phase.completed')).ended;
    expect(cut.signal).toBe('SIGKILL');
    await endOf(pidsIn(cut));
    const { size } = await stat(checkpoint());
    await truncate(checkpoint(), Math.floor(size / 2));
    const torn = await readFile(checkpoint());

    const again = await startBuilder(place, recipe.path, buildId, at('updates', 'phase.started')).ended;
    expect(again.signal).toBe('SIGKILL');
    await endOf(pidsIn(again));
    const quarantined = dataOf(again, 'checkpoint.quarantined');
    expect(quarantined).toMatchObject({ reason: 'torn' });
    expect(await readFile(String(quarantined?.['path']))).toEqual(torn);
    expect(dataOf(again, 'build.started')).toMatchObject({ resumed: false });
    expect(phasesOf(again.events, 'phase.started')).toEqual(['preflight', 'drivers', 'updates']);
    await expectNothingLeft(buildId);
  });

  test('and SIGINT stops the bootstrap of that build, keeps its record and leaves no process', async () => {
    const build = startBuilder(place, recipe.path, buildId);
    let below: number[] = [];
    build.onEvent(({ type, data }) => {
      if (type !== 'phase.log' || data['phase'] !== 'disk' || below.length > 0) return;
      below = descendantsOf(build.pid);
      process.kill(build.pid, 'SIGINT');
    });
    const end = await build.ended;
    expect(end, end.stderr).toMatchObject({ code: 130, signal: null });
    saidCancelled(end);
    expect(below.length).toBeGreaterThan(0);
    await endOf(below);
    await expectNothingLeft(buildId);
    expect(await committedPhases(buildId)).toEqual(
      expect.arrayContaining(['preflight', 'drivers', 'updates']),
    );
    await expectCleanable(buildId);
    await cleanInProcess(place, buildId, true);
    expect(existsSync(buildFolder(buildId))).toBe(false);
  });
});

// Not defined rather than skipped: nothing is skipped in CI.
if (soak) {
  describe('builds from nothing, killed at random moments', () => {
    const builds = Number(process.env['OSFORGE_SOAK_BUILDS'] ?? 10);
    test.each(Array.from({ length: builds }, (_, index) => `soak-${index}`))('%s', async (buildId) => {
      const random = seeded();
      let kills = 0;
      while (kills < 25 && (await killedAtRandom(recipe.path, buildId, random, 2500))) kills += 1;
      await finish(buildId);
      await expectLikeReference(buildId);
      await cleanInProcess(place, buildId, true);
    });
  });
}

/** A cancelled build says so; how long it took is printed, not asserted: the machine may be busy. */
function saidCancelled({ events }: BuildEnd): void {
  const timeOf = (type: string): number =>
    Date.parse(events.find((event) => event.type === type)?.time ?? '');
  const tookMs = timeOf('build.cancelled') - timeOf('pipeline.cancelling');
  expect(tookMs).toBeGreaterThanOrEqual(0);
  process.stderr.write(`cancelled in ${tookMs} ms\n`);
}

/** Kills a build from outside when it has said a random number of things. False where it was done before that. */
async function killedAtRandom(
  path: string,
  buildId: string,
  random: () => number,
  mostEvents: number,
): Promise<boolean> {
  const before = existsSync(buildFolder(buildId)) ? await committedPhases(buildId) : [];
  const nth = 1 + Math.floor(random() * mostEvents);
  const all = random() < 0.5;
  const build = startBuilder(place, path, buildId);
  let below: number[] = [];
  let count = 0;
  build.onEvent(() => {
    count += 1;
    if (count !== nth) return;
    below = descendantsOf(build.pid);
    if (all) killFamily(build.pid, below);
    else process.kill(build.pid, 'SIGKILL');
  });
  const end = await build.ended;
  await endOf(below);
  if (end.signal === null) {
    expect(end, end.stderr).toMatchObject({ code: 0 });
    return false;
  }
  await expectNothingLeft(buildId);
  const started = phasesOf(end.events, 'phase.started');
  const running = started.filter((name) => !phasesOf(end.events, 'phase.completed').includes(name));
  process.stderr.write(`killed ${all ? 'all' : 'the builder'} at event ${nth}, in ${running.join(', ')}\n`);
  // Phases whose own inputs were edited start again although they are committed; a phase that holds never does.
  const reused = phasesOf(end.events, 'phase.reused');
  expect(started.filter((name) => reused.includes(name))).toEqual([]);
  if (path === recipe.path) expect(started.filter((name) => before.includes(name))).toEqual([]);
  return true;
}

/** Numbers from 0 to 1 that OSFORGE_SEED repeats. Algorithm: mulberry32. */
function seeded(): () => number {
  let state = Number(process.env['OSFORGE_SEED'] ?? randomInt(2 ** 31));
  process.stderr.write(`random moments: OSFORGE_SEED=${state}\n`);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const offset = Math.floor((await file.stat()).size / 2);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    buffer.writeUInt8(buffer.readUInt8(0) ^ 1, 0);
    await file.write(buffer, 0, 1, offset);
  } finally {
    await file.close();
  }
}
