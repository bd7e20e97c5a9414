/**
 * Deployment media, from the recipe to a machine that was installed: one build without applications, its ISO, its stick
 * image and its PXE folder, each started as its user would, and the sticks that the build writes. What an installer does in all its variants is tested with
 * tiny images in installer.e2e.ts; here it is the whole chain.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createSparseFile,
  openExt4,
  openRaw,
  rawContentDigest,
  readExt4State,
  readGpt,
  verifyImage,
} from '@osforge/disk-image';
import { hashFile } from '@osforge/flush';
import { createQemuHypervisor, createRuntimeDir, type Machine, type MachineBoot } from '@osforge/hypervisor';
import { readCheckpoint } from '@osforge/checkpoint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logIn } from './fixtures/booted.ts';
import { startBuilder, type BuildEnd, type Place } from './fixtures/build-process.ts';
import { builtManifest, rawDisk } from './fixtures/built-manifest.ts';
import type { Doom, SeenEvent } from './fixtures/doom.ts';
import {
  builderCommand,
  lastOf,
  phasesOf,
  plainEnvironment,
  runEventProcess,
  type EventProcessEnd,
} from './fixtures/event-process.ts';
import { killFamily, processesNaming } from './fixtures/family.ts';

const gibibyte = 1024 ** 3;
/** A boot of firmware, installer or image on a machine that is busy with other work. */
const wait = { timeoutMs: 15 * 60_000 };
const buildId = 'web';
const password = 'secret-word';

let place: Place;
let recipe: string;
let media: string;
let publicKey: string;

const recipeText = (mediaLines: string): string => `version: 1
name: web
disk: { size: 1536M, espSize: 64M }
system:
  packages: [nginx]
users:
  - name: ada
    password: env:ADA_HASH
capture: { formats: [raw.zst, ffu], sign: { key: "file:key.sec" } }
${mediaLines}
`;

const mediaLines = `media:
  formats: [iso, stick, pxe]
  disk: { several: refuse, overwrite: never }
  hostname: { template: "web-{serial}", names: names.csv }
  after: poweroff`;

beforeAll(async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'osforge-media-'));
  place = {
    root,
    out: path.join(root, 'out'),
    temporary: path.join(root, 'tmp'),
    cache: path.join(tmpdir(), 'osforge-e2e-cache'),
  };
  const folder = path.join(root, 'recipe');
  for (const one of [place.temporary, folder]) await mkdir(one);
  recipe = path.join(folder, 'recipe.yaml');
  media = path.join(place.out, buildId, 'media');
  await writeFile(recipe, recipeText(mediaLines));
  await writeFile(path.join(folder, 'names.csv'), 'serial,name\nSN-7,desk-7\n');
  publicKey = path.join(folder, 'key.pub');
  execFileSync('minisign', ['-G', '-W', '-p', publicKey, '-s', path.join(folder, 'key.sec')]);
  // Of the password above, as mkpasswd prints it; the builder is given our variables.
  process.env['ADA_HASH'] =
    '$6$osforge$qD07pSekV0fjoPRxWzZZuDG2ltPj21G3sSqDf4DXgUnO7M2.nAhyNZcSxtr7yrDPVubKlICs1AzW3hETuMFrd.';
});

afterAll(async () => {
  // Whatever a failed test has left running names our folder, and nobody else's process does.
  for (const { pid } of processesNaming(place.root)) killFamily(pid);
  await rm(place.root, { recursive: true, force: true });
});

const started = (end: BuildEnd): string[] =>
  end.events.filter(({ type }) => type === 'phase.started').map(({ data }) => String(data['phase']));

async function build(doom?: Doom): Promise<BuildEnd> {
  return startBuilder(place, recipe, buildId, doom).ended;
}

async function finish(): Promise<BuildEnd> {
  const end = await build();
  expect(end, end.stderr).toMatchObject({ code: 0, signal: null });
  return end;
}

/** Digest of every file of the media, by name. */
async function digests(): Promise<Record<string, string>> {
  const entries = await readdir(media, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
  const found: Record<string, string> = {};
  for (const file of files.sort()) found[path.relative(media, file)] = (await hashFile(file)).sha256;
  return found;
}

let first: Record<string, string>;

describe('the media of a build', () => {
  test('are made after the capture, with digests of all of them and progress that says what is done', async () => {
    const end = await finish();
    expect(started(end).slice(-3)).toEqual(['capture', 'media', 'cleanup']);
    const steps = end.events
      .filter(({ type, data }) => type === 'phase.progress' && data['phase'] === 'media')
      .map(({ data }) => data['step']);
    expect([...new Set(steps)]).toEqual(
      expect.arrayContaining([
        'packing the disk',
        'making the installer',
        'making the ISO',
        'making the stick image',
      ]),
    );
    first = await digests();
    const names = Object.keys(first).filter((name) => !name.startsWith('pxe/payload/'));
    expect(names.sort()).toEqual(
      [
        ...['SHA256SUMS', 'SHA256SUMS.minisig', 'media.json'],
        ...['web-install.iso', 'web-install.raw', 'web-install.raw.bmap'],
        ...['pxe/boot.ipxe', 'pxe/initrd.img', 'pxe/linux'],
      ].sort(),
    );
    const sums = await readFile(path.join(media, 'SHA256SUMS'), 'utf8');
    const { SHA256SUMS: ofSums, 'SHA256SUMS.minisig': ofSignature, ...others } = first;
    expect(ofSums).toBeTruthy();
    expect(ofSignature).toBeTruthy();
    const minisign = ['-V', '-p', publicKey, '-m', path.join(media, 'SHA256SUMS')];
    expect(execFileSync('minisign', minisign, { encoding: 'utf8' })).toMatch(
      /^Signature and comment signature verified\nTrusted comment: timestamp:\d+\tfile:SHA256SUMS\timage:web$/m,
    );
    expect(
      Object.fromEntries(
        sums
          .trim()
          .split('\n')
          .map((line) => line.split('  ').reverse()),
      ),
    ).toEqual(others);
    // The installer itself is small: what is not payload is at most 60 MiB of the ISO.
    const bytes = async (name: string): Promise<number> => (await stat(path.join(media, name))).size;
    const payload = Object.keys(first).filter((name) => name.startsWith('pxe/payload/'));
    const sizes = await Promise.all(payload.map(bytes));
    const payloadBytes = sizes.reduce((sum, size) => sum + size, 0);
    expect((await bytes('web-install.iso')) - payloadBytes).toBeLessThan(60 * 1024 ** 2);
  });

  test('are not made again where nothing changed', async () => {
    const end = await finish();
    expect(started(end)).toEqual([]);
  });

  const moments: { title: string; doom: Doom }[] = [
    { title: 'while the disk is packed', doom: doomAt({ who: 'family', nth: 12 }) },
    {
      title: 'when they are made, before they are in place',
      doom: doomAt({ who: 'family', text: 'writing the manifest' }),
    },
  ];

  test('are whole, the same bytes, and nothing else is left, where a build was killed meanwhile', async () => {
    for (const { doom } of moments) {
      await rm(path.join(media, 'web-install.iso'), { force: true });
      const killed = await build(doom);
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      expect(started(killed)).toEqual(['media']);
    }
    const end = await finish();
    // What it made is what was there: nothing follows from it.
    expect(started(end)).toEqual(['media']);
    expect(await digests()).toEqual(first);
    expect(existsSync(path.join(place.out, buildId, '.osforge', 'work', 'media'))).toBe(false);
    expect(await readdir(place.temporary)).toEqual([]);
    const record = await readCheckpoint({ directory: path.join(place.out, buildId, '.osforge'), buildId });
    expect(record?.ledger).toEqual([]);
  });
});

/** Captured beside raw.zst, so that no other system has to be put together for it. */
describe('the FFU of that build', () => {
  const file = (name: string): string => path.join(place.out, buildId, name);

  test('holds, has the disk of the manifest, and is named by the manifest, SHA256SUMS and the SBOM', async () => {
    const { ok, checks } = await verifyImage(file('web.ffu'), {
      publicKey: await readFile(publicKey, 'utf8'),
    });
    expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(ok).toBe(true);
    const held = checks.flatMap(({ name, status }) => (status === 'ok' ? [name] : []));
    expect(held).toEqual(expect.arrayContaining(['checksums', 'signature', 'disk', 'ffu', 'gpt']));

    const manifest = await builtManifest(place.out, buildId);
    const { sha256, sizeBytes } = await hashFile(file('web.ffu'));
    const { sha256: diskSha256 } = manifest.rawDisk;
    expect(manifest.artifacts).toContainEqual({ name: 'web.ffu', sizeBytes, sha256 });
    expect(manifest.provenance.subject).toContainEqual({ name: 'web.ffu', digest: { sha256 } });
    expect(await rawContentDigest(file('web.ffu'), 'ffu')).toBe(diskSha256);
    expect(await rawContentDigest(rawDisk(place.out, buildId))).toBe(diskSha256);
    expect(await readFile(file('SHA256SUMS'), 'utf8')).toContain(`${sha256}  web.ffu\n`);
    // Of images of one disk there is one list: it names the disk, not a file.
    expect(JSON.parse(await readFile(file('web.cdx.json'), 'utf8'))).toMatchObject({
      metadata: { component: { name: 'web', hashes: [{ alg: 'SHA-256', content: diskSha256 }] } },
    });
  });

  test('goes on where a capture was killed, is not made again when it was whole, and is the same file', async () => {
    const { sha256 } = await hashFile(file('web.ffu'));
    const said = ({ events }: BuildEnd): string[] =>
      events.filter(({ type }) => type === 'phase.log').map(({ data }) => String(data['line']));
    const doom = (text: string, nth = 1): Doom =>
      doomAt({ who: 'family', data: { phase: 'capture' }, text, nth });
    await rm(file('web.ffu'));
    // It is told about once for each MiB of the FFU.
    const cut = await build(doom('making web\\.ffu', 200));
    expect(cut.signal, cut.stderr).toBe('SIGKILL');
    expect(started(cut)).toEqual(['capture']);
    const late = await build(doom('writing the manifest'));
    expect(late.signal, late.stderr).toBe('SIGKILL');
    expect(said(late)).toContainEqual(expect.stringMatching(/^web\.ffu went on from an earlier run/));

    const end = await finish();
    // The new manifest has another time than that which the media were made after.
    expect(started(end)).toEqual(['capture', 'media', 'cleanup']);
    expect(said(end)).toContain('web.ffu is whole since an earlier run');
    expect((await hashFile(file('web.ffu'))).sha256).toBe(sha256);
    expect(existsSync(file('.osforge/work/ffu'))).toBe(false);
    const record = await readCheckpoint({ directory: file('.osforge'), buildId });
    expect(record?.ledger).toEqual([]);
  });
});

function doomAt(more: Omit<Partial<Doom>, 'type'>): Doom {
  return { who: 'family', type: 'phase.progress', data: { phase: 'media' }, ...more };
}

interface Inserted {
  readonly name: string;
  /** Raw files, by serial number. */
  readonly disks: Readonly<Record<string, string>>;
  readonly boot?: MachineBoot;
  /** A file in a SATA CD drive that the firmware starts from. */
  readonly disc?: string;
  /** A file that is a USB stick that the firmware starts from. */
  readonly stick?: string;
  readonly serial?: string;
  readonly network?: boolean;
  readonly memoryMiB?: number;
}

/** A machine as its user has it, which stands still until `start()`. */
async function insert(request: Inserted): Promise<Machine> {
  const { name, disks, disc, stick, serial = 'SN-42', network = false, memoryMiB = 1024 } = request;
  const file = (filename: string, readOnly: boolean): string =>
    JSON.stringify({
      driver: 'raw',
      'node-name': 'installer',
      'read-only': readOnly,
      file: { driver: 'file', filename, 'read-only': readOnly },
    });
  // A kernel that is given directly comes first by itself.
  const first = request.boot === undefined ? ',bootindex=0' : '';
  return createQemuHypervisor().create(
    {
      name: 'installed',
      memoryMiB,
      cpus: 2,
      accelerator: 'tcg',
      boot: request.boot ?? { kind: 'uefi', variablesPath: path.join(place.root, `${name}.fd`) },
      disks: Object.entries(disks).map(([id, file]) => ({ id, path: file, format: 'raw', cache: 'unsafe' })),
      channels: [],
      runtimeDir: await createRuntimeDir({ parent: place.root }),
      consoleLog: path.join(place.root, `${name}.log`),
      network: network ? 'user' : 'none',
      extra: [
        ...['-smbios', `type=1,serial=${serial}`],
        ...(disc === undefined
          ? []
          : ['-blockdev', file(disc, true), '-device', `ide-cd,bus=ide.0,drive=installer${first}`]),
        ...(stick === undefined
          ? []
          : [
              ...['-blockdev', file(stick, false), '-device', 'qemu-xhci,id=usb'],
              ...['-device', `usb-storage,bus=usb.0,drive=installer,removable=on${first}`],
            ]),
      ],
    },
    wait,
  );
}

async function emptyDisk(name: string, sizeBytes: number): Promise<string> {
  const disk = path.join(place.root, name);
  await createSparseFile(disk, sizeBytes, { overwrite: true });
  return disk;
}

/** Runs a machine until it powers itself off; gives its console. */
async function untilPowerOff(machine: Machine): Promise<string> {
  try {
    await machine.start();
    const end = await machine.waitForEnd(wait);
    const text = await readFile(machine.consoleLog, 'latin1');
    expect(end, text.slice(-3000)).toMatchObject({ timedOut: false, shutdownReason: 'guest-shutdown' });
    return text;
  } finally {
    await machine.kill();
  }
}

/** Runs an installer until it refuses, and has it power off; gives its console. Nothing may have been written. */
async function refusal(request: Inserted): Promise<string> {
  const before = await Promise.all(Object.values(request.disks).map((disk) => rawContentDigest(disk)));
  const machine = await insert(request);
  const asked = machine.waitForConsole(/type "off" and press Enter to power off/, wait);
  const answered = asked.then(() => machine.sendToConsole('off\n'));
  const [text] = await Promise.all([untilPowerOff(machine), answered]);
  expect(await Promise.all(Object.values(request.disks).map((disk) => rawContentDigest(disk)))).toEqual(
    before,
  );
  expect(text).toContain('Nothing was written to any disk.');
  return text;
}

const iso = (): string => path.join(media, 'web-install.iso');

describe('the ISO', () => {
  test('in a CD drive, installs onto an empty disk, which boots: login, nginx, whole disk, its own name', async () => {
    const disk = await emptyDisk('installed.raw', 3 * gibibyte);
    const console = await untilPowerOff(await insert({ name: 'iso', disks: { target: disk }, disc: iso() }));
    expect(console).toContain('Install web (erases a disk)');
    expect(console).toMatch(/Installed web on \/dev\/vda as web-sn-42\./);

    const machine = await insert({ name: 'installed', disks: { target: disk } });
    try {
      const prompt = machine.waitForConsole(/^web-sn-42 login: $/, wait);
      await Promise.all([machine.start(), prompt]);
      const shell = await logIn(machine, 'ada', password);
      // The login may come before the services are up. Whatever else has failed then, nginx is asked for by name.
      await shell.run('systemctl is-system-running --wait || true');
      expect(await shell.run('systemctl is-active nginx')).toBe('active');
      expect(await shell.run('cat /etc/hostname; grep ^127.0.1.1 /etc/hosts')).toMatch(
        /^web-sn-42\n127\.0\.1\.1\s+web-sn-42$/,
      );
      expect(Number(await shell.run('df --output=size -B1 / | tail -n 1'))).toBeGreaterThan(2.5 * gibibyte);
      await machine.stop({ gracefulTimeoutMs: wait.timeoutMs });
    } finally {
      await machine.kill();
    }
    await rm(disk);
  });

  test('written onto a stick, starts and refuses a disk that is too small', async () => {
    const stick = path.join(place.root, 'stick.raw');
    await copyFile(iso(), stick);
    // A stick is larger than what is written to it.
    const file = await open(stick, 'r+');
    await file.truncate(Math.ceil((await file.stat()).size / 1024 ** 2 + 64) * 1024 ** 2);
    await file.close();
    const small = await emptyDisk('small.raw', 512 * 1024 ** 2);
    const console = await refusal({ name: 'iso-on-stick', disks: { small }, stick });
    expect(console).toMatch(/osforge: refused: no disk of this machine fits\./);
    expect(console).toMatch(/vda .* 512\.0 MiB .*: is too small by 1\.0 GiB: the image has 1\.5 GiB/);
    expect(console).toMatch(/sda .*: is the installation medium/);
    await rm(stick);
  });

  test('with one other byte in its payload, is refused by the name of the part', async () => {
    const broken = path.join(place.root, 'broken.iso');
    await copyFile(iso(), broken);
    const at = await placeOf(broken, await readFile(path.join(media, 'pxe', 'payload', '0002.zst')));
    const file = await open(broken, 'r+');
    await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, at + 1000);
    await file.close();
    const target = await emptyDisk('target.raw', 2 * gibibyte);
    // The kernel and initramfs of PXE are those of the ISO: given directly they save the firmware's time.
    const console = await refusal({
      name: 'broken',
      disks: { target },
      disc: broken,
      boot: installerKernel(''),
    });
    expect(console).toContain('osforge: refused: the payload is damaged: 0002.zst is missing or not what');
    await rm(broken);
  });
});

function installerKernel(more: string): MachineBoot {
  return {
    kind: 'kernel',
    kernel: path.join(media, 'pxe', 'linux'),
    initrd: path.join(media, 'pxe', 'initrd.img'),
    commandLine: `console=ttyS0,115200 console=tty0 quiet ${more}`.trim(),
  };
}

/** Where some bytes begin in a file, at a block of an ISO. */
async function placeOf(file: string, wanted: Buffer): Promise<number> {
  const bytes = await readFile(file);
  for (
    let at = bytes.indexOf(wanted.subarray(0, 512));
    at >= 0;
    at = bytes.indexOf(wanted.subarray(0, 512), at + 1)
  )
    if (at % 2048 === 0 && bytes.subarray(at, at + wanted.length).equals(wanted)) return at;
  throw new Error('the part is not in the ISO');
}

test('the stick image starts, and refuses to choose between two disks', async () => {
  const stick = path.join(place.root, 'stick.raw');
  await copyFile(path.join(media, 'web-install.raw'), stick);
  const disks = {
    one: await emptyDisk('one.raw', 2 * gibibyte),
    two: await emptyDisk('two.raw', 2 * gibibyte),
  };
  const console = await refusal({ name: 'stick', disks, stick });
  expect(console).toContain(
    'osforge: refused: 2 disks of this machine fit, and the recipe says not to choose.',
  );
  expect(console).toMatch(/vda .* serial one /);
  expect(console).toMatch(/vdb .* serial two /);
  await rm(stick);
});

test('from the PXE folder, over HTTP, a machine of the list gets its name', async () => {
  const folder = path.join(media, 'pxe');
  const { server, port } = await serve(folder);
  try {
    const disk = await emptyDisk('pxe.raw', 2 * gibibyte);
    const machine = await insert({
      name: 'pxe',
      disks: { target: disk },
      // As the host's loopback is called inside of QEMU's own network.
      boot: installerKernel(`osforge.payload=http://10.0.2.2:${port}/payload`),
      serial: 'SN-7',
      network: true,
      memoryMiB: 1536,
    });
    expect(await untilPowerOff(machine)).toMatch(/Installed web on \/dev\/vda as desk-7\./);
    const reader = await openRaw(disk);
    try {
      const { partitions, primaryOk, backupOk } = await readGpt(reader);
      expect([primaryOk, backupOk]).toEqual([true, true]);
      const ext4 = partitions.find(({ name }) => name === 'root')?.startBytes ?? 0;
      expect((await readExt4State(reader, ext4)).state).toBe('clean');
      const files = await openExt4(reader, ext4);
      expect(Buffer.from(await files.readFile('/etc/hostname')).toString()).toBe('desk-7\n');
    } finally {
      await reader.close();
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A plain HTTP server of a folder on the loopback. */
async function serve(folder: string): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    const name = path.normalize(new URL(request.url ?? '/', 'http://host').pathname);
    const stream = createReadStream(path.join(folder, name));
    stream.once('error', () => {
      response.writeHead(404).end();
    });
    stream.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

/** Of the same build, so that no other system has to be put together for it. */
describe('the phase usb', () => {
  let loops: string[] = [];
  let targets: string[] = [];

  beforeAll(async () => {
    const { size } = await stat(path.join(media, 'web-install.raw'));
    for (const name of ['a', 'b']) {
      const file = path.join(place.root, `${name}.img`);
      execFileSync('truncate', ['-s', String(size + 64 * 1024 ** 2), file]);
      loops.push(execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim());
    }
    targets = [...loops, path.join(place.root, 'file.raw')];
    await writeFile(recipe, recipeText(`${mediaLines}\nusb:\n  targets: [${targets.join(', ')}]`));
  });

  afterAll(() => {
    for (const loop of loops) execFileSync('losetup', ['--detach', loop]);
    loops = [];
  });

  function flash(answer: 'confirm' | 'decline' | 'nobody', killAtBytes?: number): Promise<EventProcessEnd> {
    const kill = killAtBytes === undefined ? [] : [String(killAtBytes)];
    return runEventProcess(
      builderCommand('confirming-builder.ts', [recipe, place.out, buildId, place.cache, answer, ...kill]),
      { env: plainEnvironment({ TMPDIR: place.temporary }) },
    );
  }

  test('writes nothing until somebody has confirmed what is overwritten', async () => {
    const nobody = await flash('nobody');
    expect(nobody.code).toBe(1);
    expect(lastOf(nobody.events, 'build.failed')).toMatchObject({ code: 'USB_NOT_CONFIRMED' });
    expect(nobody.stderr).toContain('add --yes');
    const declined = await flash('decline');
    expect(declined.code).toBe(130);
    for (const { events } of [nobody, declined]) expect(phasesOf(events, 'phase.started')).toEqual([]);
  });

  test('killed while it writes sticks, goes on there; then there is nothing to do', async () => {
    // Some ranges are verified by then, and most are still to come.
    const killed = await flash('confirm', 64 * 1024 ** 2);
    expect(killed.signal).toBe('SIGKILL');
    expect(phasesOf(killed.events, 'phase.started')).toEqual(['usb']);

    const resumed = await flash('confirm');
    expect(resumed.stderr).toBe('');
    expect(resumed.code).toBe(0);
    expect(phasesOf(resumed.events, 'phase.started')).toEqual(['usb', 'cleanup']);
    expect(
      resumed.events.some(({ type, data }) => type === 'usb.target' && data['state'] === 'resuming'),
    ).toBe(true);
    const receipts = [...loops.map((loop) => `${path.basename(loop)}.receipt.json`), 'file.raw.receipt.json'];
    expect((await readdir(path.join(place.out, buildId, 'usb'))).sort()).toEqual(
      receipts.flatMap((name) => [name, `${name}.minisig`]).sort(),
    );
    const stick = await readFile(path.join(media, 'web-install.raw'));
    for (const target of targets) {
      if (target.startsWith('/dev/')) execFileSync('blockdev', ['--flushbufs', target]);
      const file = await open(target);
      const { buffer } = await file.read(Buffer.alloc(stick.length), 0, stick.length, 0);
      await file.close();
      expect(buffer.equals(stick), target).toBe(true);
    }

    const again = await flash('nobody');
    expect(again.code).toBe(0);
    expect(phasesOf(again.events, 'phase.reused')).toContain('usb');
    expect(phasesOf(again.events, 'phase.started')).toEqual([]);
  });
});

test('a recipe that asks for none any more: the media go, what is not theirs stays, the image is not made again', async () => {
  await writeFile(path.join(media, 'notes.txt'), 'mine');
  await writeFile(recipe, recipeText('media: false'));
  const end = await finish();
  expect(started(end)).toEqual(['cleanup']);
  const said = (events: readonly SeenEvent[]): string[] =>
    events.filter(({ type }) => type === 'phase.log').map(({ data }) => String(data['line']));
  expect(said(end.events)).toContainEqual(expect.stringMatching(/^media\/web-install\.iso .* is removed/));
  expect(await readdir(media)).toEqual(['notes.txt']);
  expect((await readdir(path.join(place.out, buildId))).sort()).toContain('web.raw.zst');
});
