/**
 * The default recipe, as a user gets it: every artifact is looked at with tools that are not ours, and booted.
 *
 *   npx vitest run --config vitest.e2e.config.ts test/e2e/default-image.e2e.ts
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@osforge/process';
import { openExt4, openImage, readExt4State, readGpt, type TreeEntry } from '@osforge/disk-image';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enterLogin, freePort, insertIntoMachine, pageOf, patienceMs } from './fixtures/booted.ts';
import { readTree, withRootFileSystem } from './fixtures/read-tree.ts';
import { textsOf } from './fixtures/search.ts';
import { dataOf, openWorkbench, type FinishedBuild, type Workbench } from './fixtures/workbench.ts';

const recipe = new URL('../../../../recipes/debian-minimal.yaml', import.meta.url);
const minutes = (count: number): number => count * 60_000;

let bench: Workbench;
let build: FinishedBuild;
let folder: string;
/** The qcow2, unpacked by qemu-img. */
let raw: string;
let tree: Map<string, TreeEntry>;

const tool = async (program: string, ...args: string[]): Promise<string> =>
  (await run(program, args, { cwd: folder, timeoutMs: minutes(10), maxOutputBytes: 16 * 1024 ** 2 })).stdout;

const sha256sum = async (file: string): Promise<string> => (await tool('sha256sum', file)).slice(0, 64);

interface Manifest {
  readonly name: string;
  readonly inputs: {
    readonly recipe: unknown;
    readonly suites: readonly { codename: string; sha256: string }[];
  };
  readonly tools: Readonly<Record<string, string>>;
  readonly artifacts: readonly { name: string; sizeBytes: number; sha256: string }[];
  readonly rawDisk: { readonly sizeBytes: number; readonly sha256: string };
  readonly phases: readonly { name: string; state: string; durationMs: number }[];
  readonly packages: readonly { name: string; version: string }[];
}
let manifest: Manifest;

beforeAll(async () => {
  bench = await openWorkbench('default');
  build = await bench.build(await readFile(recipe, 'utf8'));
  if (build.result.error) throw build.result.error;
  folder = build.result.directory;
  raw = path.join(bench.root, 'unpacked.raw');
  await tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', 'debian-minimal.qcow2', raw);
  tree = await readTree(raw);
  // Written by the build that has just run; its content is what the tests look at.
  manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')) as Manifest;
}, minutes(20));

afterAll(async () => {
  await bench.dispose();
});

test('the user gets five files, and nothing else is left', async () => {
  expect(build.result.outcome).toBe('completed');
  expect(await bench.artifacts('debian-minimal')).toEqual([
    'SHA256SUMS',
    'debian-minimal.cdx.json',
    'debian-minimal.qcow2',
    'debian-minimal.vhdx',
    'manifest.json',
  ]);
  expect(await bench.leftovers()).toEqual([]);
});

test('the waits for the machine and the flushes of the images are told, for the metrics', () => {
  const waits = dataOf(build.events, 'vm.wait');
  const names = waits.map(({ wait }) => wait);
  expect(names).toEqual(expect.arrayContaining(['boot', 'save', 'install', 'generalize', 'end']));
  expect(waits.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  const boot = waits.find(({ wait }) => wait === 'boot');
  expect(Number(boot?.['durationMs'])).toBeGreaterThan(1000);
  const formats = dataOf(build.events, 'image.flushed').map(({ format }) => format);
  expect(formats.sort()).toEqual(['qcow2', 'raw', 'vhdx']);
  expect(dataOf(build.events, 'journal.incomplete')).toEqual([]);
});

test('the initramfs is made once, which takes longer than most packages', () => {
  const lines = dataOf(build.events, 'phase.log').map(({ line }) => String(line));
  const made = lines.filter((line) => line.startsWith('update-initramfs: Generating'));
  expect(made).toHaveLength(1);
});

test('qemu-img finds a sound, zstd-compressed qcow2 and a dynamic vhdx', async () => {
  await tool('qemu-img', 'check', 'debian-minimal.qcow2');
  const info = await tool('qemu-img', 'info', 'debian-minimal.qcow2');
  expect(info).toContain('compression type: zstd');
  expect(info).not.toContain('backing file');
  await tool('qemu-img', 'check', 'debian-minimal.vhdx');
  expect((await stat(path.join(folder, 'debian-minimal.vhdx'))).size).toBeLessThan(
    manifest.rawDisk.sizeBytes / 2,
  );
});

describe('the manifest', () => {
  test('names inputs, tools, packages with versions, and the time of each phase', async () => {
    expect(manifest.inputs.suites.map(({ codename }) => codename)).toContain('bookworm');
    expect(Object.keys(manifest.tools)).toEqual(
      expect.arrayContaining(['mmdebstrap', 'qemu-system-x86', 'e2fsprogs']),
    );
    for (const [name, version] of Object.entries(manifest.tools)) {
      const installed = await tool('dpkg-query', '--show', '--showformat=${Version}', name);
      expect(version, name).toBe(installed);
    }
    expect(manifest.packages.find(({ name }) => name === 'nginx')?.version).toMatch(/^\d/);
    const timed = manifest.phases.filter(({ state, durationMs }) => state === 'done' && durationMs >= 0);
    expect(timed.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'preflight',
        'updates',
        'apps',
        'disk',
        'vm-start',
        'app-install',
        'vm-shutdown',
      ]),
    );
  });

  test('has the digests that sha256sum finds, of the artifacts and of the raw disk in each of them', async () => {
    await tool('sha256sum', '--check', '--strict', 'SHA256SUMS');
    for (const { name, sha256, sizeBytes } of manifest.artifacts) {
      expect(await sha256sum(name)).toBe(sha256);
      expect((await stat(path.join(folder, name))).size).toBe(sizeBytes);
    }
    expect(manifest.artifacts).toHaveLength(3);
    expect(await sha256sum(raw)).toBe(manifest.rawDisk.sha256);
    const other = path.join(bench.root, 'vhdx.raw');
    await tool('qemu-img', 'convert', '-f', 'vhdx', '-O', 'raw', 'debian-minimal.vhdx', other);
    expect(await sha256sum(other)).toBe(manifest.rawDisk.sha256);
  });
});

test('sgdisk, e2fsck and fsck.fat find nothing to mend', async () => {
  expect(await tool('sgdisk', '--verify', raw)).toContain('No problems found');
  for (const [index, check] of [
    ['1', ['fsck.fat', '-n']],
    ['2', ['e2fsck', '-fn']],
  ] as const) {
    const info = await tool('sgdisk', `--info=${index}`, raw);
    const first = Number(/First sector: (\d+)/.exec(info)?.[1]);
    const sectors = Number(/Partition size: (\d+)/.exec(info)?.[1]);
    const part = path.join(bench.root, `part-${index}`);
    await tool(
      'dd',
      `if=${raw}`,
      `of=${part}`,
      'bs=512',
      `skip=${first}`,
      `count=${sectors}`,
      'conv=sparse',
      'status=none',
    );
    await tool(check[0], check[1], part);
  }
});

describe('the file tree', () => {
  const text = async (file: string): Promise<string> =>
    withRootFileSystem(raw, async (files) => Buffer.from(await files.readFile(file)).toString('utf8'));
  const below = (prefix: string): string[] => [...tree.keys()].filter((name) => name.startsWith(prefix));

  test('holds no identity that two machines must not share', async () => {
    expect(await text('/etc/machine-id')).toBe('');
    expect(below('/etc/ssh/ssh_host_')).toEqual([]);
    expect(tree.has('/var/lib/systemd/random-seed')).toBe(false);
  });

  test('has the packages that the manifest lists, and no other', async () => {
    const installed = (await text('/var/lib/dpkg/status')).split('\n\n').flatMap((stanza) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
      return field('Status') === 'install ok installed' ? [`${field('Package')} ${field('Version')}`] : [];
    });
    expect(manifest.packages.map(({ name, version }) => `${name} ${version}`)).toEqual(installed.sort());
  });

  test('lets nobody in: every password is locked', async () => {
    const open = (await text('/etc/shadow'))
      .split('\n')
      .filter((line) => line !== '' && !/^[^:]+:[!*]/.test(line));
    expect(open).toEqual([]);
  });

  test('shows no trace of how it was made', () => {
    expect(
      [...tree.keys()].filter((name) =>
        /mmdebstrap|\/sbin\/policy-rc\.d$|start-stop-daemon\.REAL/.test(name),
      ),
    ).toEqual([]);
    // The builder's own settings file, and nothing of its agent.
    expect([...tree.keys()].filter((name) => name.includes('osforge'))).toEqual([
      '/etc/systemd/system/systemd-networkd-wait-online.service.d/osforge.conf',
    ]);
    expect(below('/var/lib/apt/lists/')).toEqual([]);
    const logs = [...tree.values()].filter(
      ({ path: name, type, sizeBytes }) => name.startsWith('/var/log/') && type === 'file' && sizeBytes > 0,
    );
    expect(logs.map(({ path: name }) => name)).toEqual([]);
  });

  test('does not know where it was built, not even in bytes that no file owns any more', async () => {
    expect(await textsOf(raw, [bench.root, bench.cache])).toEqual([]);
  });
});

/** What a booted machine has left on its overlay. */
async function machineIdOf(overlay: string): Promise<string> {
  const disk = await openImage(overlay, 'qcow2');
  try {
    const root = (await readGpt(disk)).partitions.find(({ name }) => name === 'root');
    const offset = root?.startBytes ?? 0;
    expect((await readExt4State(disk, offset)).state).toBe('clean');
    const files = await openExt4(disk, offset);
    return Buffer.from(await files.readFile('/etc/machine-id')).toString('utf8');
  } finally {
    await disk.close();
  }
}

test('it boots under OVMF to a login prompt with nginx answering, and again, and lets nobody in', async () => {
  const overlay = path.join(bench.root, 'booted.qcow2');
  const ids: string[] = [];
  for (const boot of [1, 2]) {
    const port = await freePort();
    const machine = await insertIntoMachine({
      folder: bench.root,
      overlay,
      ...(boot === 1 ? { image: path.join(folder, 'debian-minimal.qcow2') } : {}),
      forward: { from: port, to: 80 },
    });
    try {
      const wait = { timeoutMs: patienceMs };
      const prompt = machine.waitForConsole(/^debian-minimal login: $/, wait);
      await Promise.all([machine.start(), prompt]);
      expect(await pageOf(port)).toContain('Welcome to nginx!');

      if (boot === 1) {
        const refused = machine.waitForConsole(/^Login incorrect$/, wait);
        await enterLogin(machine, 'root', '');
        await refused;
      }
      expect(machine.lastConsoleLines(1000).filter((line) => /FAILED|Kernel panic/.test(line))).toEqual([]);
      expect((await machine.stop({ gracefulTimeoutMs: patienceMs })).rung).toBe('acpi');
    } finally {
      await machine.kill();
    }
    ids.push(await machineIdOf(overlay));
  }
  // The machine gave itself an identity at its first boot, and kept it.
  expect(ids[0]).toMatch(/^[0-9a-f]{32}\n$/);
  expect(ids[1]).toBe(ids[0]);
});
