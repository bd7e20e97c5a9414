/**
 * Two builds of a recipe without applications have the same bytes. Needs root, a network and 2 GiB of free memory.
 *
 * With OSFORGE_SOAK=1 each pair is built three times, also one without an epoch, and a pair with users, file capabilities, ACLs and a locale.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRecipe, planBuild } from '@osforge/image-builder';
import { builtManifest, rawDisk, sameIndexes, type BuiltManifest } from './fixtures/built-manifest.ts';
import { describeDifference } from './fixtures/describe-difference.ts';
import { builderCommand, plainEnvironment, repository, runEventProcess } from './fixtures/event-process.ts';
import { mountTmpfs, unmountTmpfs } from './fixtures/tmpfs.ts';

/** One build, and what is special about it. */
interface Variant {
  readonly recipe: string;
  readonly out: string;
  readonly buildId: string;
  readonly strange?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

const cache = path.join(tmpdir(), 'osforge-e2e-cache');
const shipped = path.join(repository, 'recipes', 'debian-no-apps.yaml');
const rounds = process.env['OSFORGE_SOAK'] === '1' ? [1, 2, 3] : [1];
let root: string;
let onMemory: string;
let undated: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-reproducible-'));
  onMemory = path.join(root, 'memory');
  await mkdir(onMemory);
  mountTmpfs(onMemory, 8 * 1024 ** 3);
  undated = path.join(root, 'undated.yaml');
  await writeFile(undated, (await readFile(shipped, 'utf8')).replace(/^reproducible:\n.*\n/m, ''));
});

afterAll(async () => {
  unmountTmpfs(onMemory);
  await rm(root, { recursive: true, force: true });
});

/** Another user's habits: host name, umask, time zone, language, working folder, and a path that needs quoting. */
const strangeScript = 'echo elsewhere >/proc/sys/kernel/hostname && umask 077 && cd /var && exec "$@"';
const strangeEnvironment = { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };

async function build({ recipe, out, buildId, strange = false, env = {} }: Variant): Promise<BuiltManifest> {
  const plain = builderCommand('filling-builder.ts', [recipe, out, buildId, cache]);
  const result = await runEventProcess(
    strange ? ['unshare', '--uts', '--', 'sh', '-c', strangeScript, 'sh', ...plain] : plain,
    { env: plainEnvironment({ ...(strange ? strangeEnvironment : {}), ...env }) },
  );
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  return builtManifest(out, buildId);
}

/** Builds both from nothing, at the same time and from the same indexes, and compares them. */
async function buildPair(one: Variant, other: Variant): Promise<BuiltManifest> {
  for (;;) {
    const clean = async (variant: Variant): Promise<BuiltManifest> => {
      await rm(path.join(variant.out, variant.buildId), { recursive: true, force: true });
      return build(variant);
    };
    const [a, b] = await Promise.all([clean(one), clean(other)]);
    // The archive may have published new indexes between the two; that is not what is tested.
    if (!sameIndexes(a, b)) continue;
    if (a.rawDisk.sha256 !== b.rawDisk.sha256) {
      const difference = await describeDifference(
        rawDisk(one.out, one.buildId),
        rawDisk(other.out, other.buildId),
      );
      expect.fail(`the images differ:\n${difference}`);
    }
    expect(a.fileTree).toEqual(b.fileTree);
    expect(a.sourceDateEpoch).toBe(b.sourceDateEpoch);
    return a;
  }
}

const datedImages: string[] = [];

test.each(rounds)(
  'two clean builds with one SOURCE_DATE_EPOCH are equal, byte for byte (needs root) [round %i]',
  async (round) => {
    const built = await buildPair(
      { recipe: shipped, out: path.join(root, 'on-disk'), buildId: `plain-${round}` },
      {
        recipe: shipped,
        out: path.join(onMemory, 'an other', "öst'folder"),
        buildId: `another.id-${round}`,
        strange: true,
      },
    );
    expect(built.sourceDateEpoch).toBe(1_750_000_000);
    datedImages.push(built.rawDisk.sha256);
  },
);

test.each(rounds)(
  'without an epoch the indexes date the image; another epoch is another image (needs root) [round %i]',
  async (round) => {
    const one: Variant = { recipe: undated, out: path.join(root, 'undated'), buildId: `one-${round}` };
    const other: Variant = {
      recipe: undated,
      out: path.join(onMemory, 'undated'),
      buildId: `other-${round}`,
    };
    // That two builds of one time stamp agree was shown above, whoever has set it.
    const built = rounds.length > 1 ? await buildPair(one, other) : await build(one);
    const newest = Math.max(...built.inputs.suites.map(({ date }) => Date.parse(date ?? '') / 1000));
    expect(built.sourceDateEpoch).toBe(newest);
    // The recipes are the same but for the epoch.
    expect(datedImages).toHaveLength(rounds.length);
    expect(datedImages).not.toContain(built.rawDisk.sha256);

    const planned = async (epoch: number): Promise<(string | undefined)[]> => {
      const plan = await planBuild(await loadRecipe(undated), {
        outDirectory: one.out,
        buildId: one.buildId,
        cacheDirectory: cache,
        variables: { SOURCE_DATE_EPOCH: String(epoch) },
      });
      return ['preflight', 'disk', 'capture'].map(
        (name) => plan.phases.find((phase) => phase.name === name)?.action,
      );
    };
    expect(await planned(1_750_000_000)).toEqual(['run', 'run', 'run']);
  },
);

if (rounds.length > 1) {
  test('so are images with users, file capabilities, ACLs and a locale (needs root)', async () => {
    const recipe = path.join(root, 'rich.yaml');
    const lines = [
      'system: { locale: de_DE.UTF-8, timezone: Europe/Berlin, packages: [openssh-server, iputils-ping] }',
      'users: [{ name: ada, groups: [adm], sudo: true, password: "env:ADA_HASH" }]',
    ];
    await writeFile(recipe, `${await readFile(shipped, 'utf8')}\n${lines.join('\n')}\n`);
    const env = { ADA_HASH: `$6$saltsalt$${'x'.repeat(86)}` };
    await buildPair(
      { recipe, out: path.join(root, 'rich'), buildId: 'one', env },
      { recipe, out: path.join(onMemory, 'rich'), buildId: 'other', env, strange: true },
    );
  });
}
