/** The default recipe, as a user gets it: every artifact is looked at with tools that are not ours, and booted. */
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createQemuHypervisor } from '@osforge/hypervisor';
import { run } from '@osforge/process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TreeEntry } from '@osforge/disk-image';
import { readTree, withRootFileSystem } from './fixtures/read-tree.ts';
import { openWorkbench, type FinishedBuild, type Workbench } from './fixtures/workbench.ts';

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

test('the user gets four files, and nothing else is left', async () => {
  expect(build.result.outcome).toBe('completed');
  expect(await bench.artifacts('debian-minimal')).toEqual([
    'SHA256SUMS',
    'debian-minimal.qcow2',
    'debian-minimal.vhdx',
    'manifest.json',
  ]);
  expect(await bench.leftovers()).toEqual([]);
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
  test('names inputs, tools, packages with versions, and the time of each phase', () => {
    expect(manifest.inputs.suites.map(({ codename }) => codename)).toContain('bookworm');
    expect(Object.keys(manifest.tools)).toEqual(
      expect.arrayContaining(['mmdebstrap', 'qemu-system-x86', 'e2fsprogs']),
    );
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
    expect(manifest.artifacts).toHaveLength(2);
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

  test('lets nobody in: every password is locked', async () => {
    const open = (await text('/etc/shadow'))
      .split('\n')
      .filter((line) => line !== '' && !/^[^:]+:[!*]/.test(line));
    expect(open).toEqual([]);
  });

  test('shows no trace of how it was made', async () => {
    expect(
      [...tree.keys()].filter((name) => /mmdebstrap|\/sbin\/policy-rc\.d$|start-stop-daemon\.REAL/.test(name)),
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
    expect(await text('/etc/apt/sources.list.d/debian.sources')).not.toContain(bench.root);
  });
});

/** A port of this machine that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

test.each(['debian-minimal.qcow2', 'debian-minimal.vhdx'])(
  '%s boots under OVMF to a login prompt, with nginx answering',
  async (image) => {
    const port = await freePort();
    const format = image.endsWith('.vhdx') ? 'vhdx' : 'qcow2';
    const disk = path.join(bench.root, `boot-${format}.qcow2`);
    // A vhdx cannot back an overlay of the driver: the test boots a copy of it.
    if (format === 'qcow2')
      await tool(
        'qemu-img',
        'create',
        '-q',
        '-f',
        'qcow2',
        '-F',
        format,
        '-b',
        path.join(folder, image),
        disk,
      );
    else await tool('qemu-img', 'convert', '-f', format, '-O', 'qcow2', image, disk);
    const boots = format === 'qcow2' ? 2 : 1;
    for (let boot = 1; boot <= boots; boot += 1) {
      const machine = await createQemuHypervisor().create({
        name: `boot-${boot}`,
        memoryMiB: 1024,
        cpus: 2,
        accelerator: 'tcg',
        boot: { kind: 'uefi', variablesPath: path.join(bench.root, `${format}-vars.fd`) },
        disks: [{ id: 'root', path: disk, format: 'qcow2' }],
        channels: [],
        runtimeDir: path.join(bench.temporary, 'boot'),
        consoleLog: path.join(bench.root, `${format}-console.log`),
        network: 'none',
        extra: [
          ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:80`],
          ...['-device', 'virtio-net-pci,netdev=net0'],
        ],
      });
      try {
        const login = machine.waitForConsole(/debian-minimal login: /, { timeoutMs: minutes(8) });
        const nginx = machine.waitForConsole(/Started .*nginx\.service/, { timeoutMs: minutes(8) });
        await Promise.all([machine.start(), login, nginx]);
        const response = await fetch(`http://127.0.0.1:${port}/`);
        expect(response.status).toBe(200);
        expect(await response.text()).toContain('nginx');
        const report = await machine.stop({ gracefulTimeoutMs: minutes(3) });
        expect(report.rung).toBe('acpi');
      } finally {
        await machine.kill();
      }
    }
  },
);
