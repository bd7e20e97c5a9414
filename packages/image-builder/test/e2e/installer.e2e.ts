/**
 * The installer on real machines: a small image and an ISO of it, started directly with the installer's kernel. What a
 * medium's own boot loader does is in media.e2e.ts. Needs root for a disk that stores wrong bytes.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { createSparseFile, makeEsp, openExt4, openRaw, readExt4State, readGpt } from '@osforge/disk-image';
import type { Machine } from '@osforge/hypervisor';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildInitramfs } from '../../src/installer/build-initramfs.ts';
import { formatParts } from '../../src/media/make-payload.ts';
import { openFaultyDisk } from './fixtures/faulty-disk.ts';
import {
  imageBlob,
  imageHostname,
  machineWithInstaller,
  makeIso,
  mib,
  openInstallerBench,
  patienceMs,
  type InstallerBench,
  type InstallerRun,
} from './fixtures/installer-bench.ts';
import { plugsIn } from './fixtures/plugs.ts';

let bench: InstallerBench;
let folders = 0;

beforeAll(async () => {
  bench = await openInstallerBench();
});

afterAll(async () => {
  await bench.dispose();
});

async function emptyFolder(): Promise<string> {
  folders += 1;
  const folder = join(bench.root, `test-${folders}`);
  await mkdir(folder);
  return folder;
}

async function emptyDisk(sizeMib: number): Promise<string> {
  const disk = join(await emptyFolder(), 'disk.raw');
  await createSparseFile(disk, sizeMib * mib);
  return disk;
}

/** A machine at work, with all that it has said. */
interface Installing {
  readonly machine: Machine;
  readonly lines: string[];
  /** Waits for a line that comes from now on. */
  said(pattern: RegExp): Promise<string>;
  answer(text: string): Promise<void>;
  /** Answers a question, and waits for what follows. */
  answerFor(text: string, pattern: RegExp): Promise<string>;
}

/** Starts an installation and waits for a line, which is given back. */
async function install(
  run: InstallerRun,
  pattern: RegExp,
  beforeStart: () => Promise<void> = () => Promise.resolve(),
): Promise<Installing & { readonly line: string }> {
  const machine = await machineWithInstaller(bench, run);
  onTestFinished(() => machine.kill());
  const lines: string[] = [];
  machine.console$.subscribe((text) => lines.push(text));
  // Whole lines only: one that matched while it was printed would match again as the next question.
  const said = (what: RegExp): Promise<string> =>
    firstValueFrom(
      machine.console$.pipe(
        filter((text) => what.test(text)),
        timeout({ first: patienceMs }),
      ),
    );
  const first = said(pattern);
  await beforeStart();
  await machine.start();
  const answer = (text: string): Promise<void> => machine.sendToConsole(`${text}\n`);
  return {
    machine,
    lines,
    said,
    answer,
    line: await first,
    answerFor: async (text, what) => {
      const next = said(what);
      await answer(text);
      return next;
    },
  };
}

const installed = /^Installed test image on /;
/** The end of every refusal and failure. */
const decision = /^Press Enter to try again/;

async function powersOff({ machine }: Installing): Promise<void> {
  const end = await machine.waitForEnd({ timeoutMs: patienceMs });
  expect(end).toMatchObject({ timedOut: false, shutdownReason: 'guest-shutdown' });
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer); // no encoding is set
  return hash.digest('hex');
}

async function isZero(path: string, from = 0, length = Number.POSITIVE_INFINITY): Promise<boolean> {
  for await (const piece of createReadStream(path, { start: from, end: from + length - 1 })) {
    if ((piece as Buffer).some((byte) => byte !== 0)) return false; // no encoding is set
  }
  return true;
}

/** Looks at a disk as its firmware and its kernel would. */
async function lookAt(disk: string): Promise<{
  readonly hostname: string;
  readonly hosts: string;
  readonly blobSha256: string;
  readonly fileSystemBytes: number;
  readonly rootEnd: number;
  /** Both copies of the partition table are sound. */
  readonly tablesOk: boolean;
}> {
  const reader = await openRaw(disk);
  try {
    const { partitions, primaryOk, backupOk } = await readGpt(reader);
    const root = partitions.find(({ name }) => name === 'root');
    if (root === undefined) throw new Error('no root partition');
    expect(partitions.map(({ name, guid }) => `${name} ${guid.toLowerCase()}`)).toEqual(
      bench.layout.partitions.map(({ name, guid }) => `${name} ${guid.toLowerCase()}`),
    );
    expect((await readExt4State(reader, root.startBytes)).state).toBe('clean');
    const files = await openExt4(reader, root.startBytes);
    const superblock = Buffer.from(await reader.read(root.startBytes + 1024, 1024));
    return {
      hostname: Buffer.from(await files.readFile('/etc/hostname')).toString(),
      hosts: Buffer.from(await files.readFile('/etc/hosts')).toString(),
      blobSha256: createHash('sha256')
        .update(await files.readFile(imageBlob))
        .digest('hex'),
      fileSystemBytes: superblock.readUInt32LE(4) * (1024 << superblock.readUInt32LE(24)),
      rootEnd: root.startBytes + root.sizeBytes,
      tablesOk: primaryOk && backupOk,
    };
  } finally {
    await reader.close();
  }
}

test('an empty disk gets the image, grown, with a host name; a second run asks before it erases', async () => {
  const disk = await emptyDisk(160);
  const serial = ['-smbios', 'type=1,serial=PF 2XYZ'];
  const first = await install(
    { disks: { target: disk }, settings: { hostnameTemplate: 'lab-{serial}' }, extra: serial },
    installed,
  );
  await powersOff(first);
  expect(first.line).toBe('Installed test image on /dev/vda as lab-pf-2xyz.');
  expect(first.lines.some((line) => /^Writing: 100 %/.test(line))).toBe(true);
  const found = await lookAt(disk);
  expect(found).toMatchObject({
    hostname: 'lab-pf-2xyz\n',
    hosts: '127.0.0.1\tlocalhost\n127.0.1.1\tlab-pf-2xyz\n::1\tlocalhost\n',
    blobSha256: bench.blobSha256,
    tablesOk: true,
  });
  // All but what the backup of the table takes, and what makes no whole block.
  expect(found.rootEnd).toBeGreaterThan(160 * mib - 34 * 512 - 4096);
  const rootStart = bench.layout.partitions[1]?.startBytes ?? 0;
  expect(found.fileSystemBytes).toBeGreaterThan(160 * mib - rootStart - 34 * 512 - 8192);

  const before = await digest(disk);
  const second = await install(
    {
      disks: { target: disk },
      names: [
        { serial: 'other', hostname: 'not-me' },
        { serial: 'PF 2XYZ', hostname: 'Desk-7' },
      ],
      extra: serial,
    },
    /^Type "erase" and press Enter/,
  );
  const refusal = second.said(/^osforge: refused: the question whether to erase \/dev\/vda was not answered/);
  await second.answerFor('yes', decision);
  await refusal;
  expect(second.lines).toContain('Nothing was written to any disk.');
  expect(await digest(disk)).toBe(before);
  await second.answerFor('', /^Type "erase" and press Enter/);
  expect(await second.answerFor('erase', installed)).toBe('Installed test image on /dev/vda as desk-7.');
  await powersOff(second);
  expect(await lookAt(disk)).toMatchObject({ hostname: 'desk-7\n', blobSha256: bench.blobSha256 });
});

test('a disk that is too small is refused, with by how much, and not written', async () => {
  const disk = await emptyDisk(64);
  const run = await install({ disks: { target: disk } }, decision);
  expect(run.lines).toContain('osforge: refused: no disk of this machine fits.');
  expect(run.lines.join('\n')).toContain(
    'serial target  model -: is too small by 32.0 MiB: the image has 96.0 MiB',
  );
  expect(run.lines).toContain('Nothing was written to any disk.');
  await run.answerFor('off', /^Powering off/);
  await powersOff(run);
  expect(await isZero(disk)).toBe(true);
});

test('of two disks none is written where the recipe says not to choose', async () => {
  const [one, two] = [await emptyDisk(128), await emptyDisk(160)];
  const run = await install({ disks: { one, two }, settings: { several: 'refuse' } }, decision);
  expect(run.lines).toContain(
    'osforge: refused: 2 disks of this machine fit, and the recipe says not to choose.',
  );
  expect(await isZero(one)).toBe(true);
  expect(await isZero(two)).toBe(true);
});

test('of two disks the one is taken that is named at the console', async () => {
  const [one, two] = [await emptyDisk(128), await emptyDisk(160)];
  const run = await install({ disks: { one, two }, settings: { grow: false } }, /^Type its number, 1 to 2/);
  expect(run.lines.join('\n')).toMatch(/2\) \/dev\/vdb +160\.0 MiB {2}serial two {2}model -/);
  await run.answerFor('3', /^Type its number, 1 to 2/);
  expect(run.lines).toContain('There is no disk "3" in the list.');
  expect(await run.answerFor(' 2 ', installed)).toBe('Installed test image on /dev/vdb.');
  await powersOff(run);
  expect(await isZero(one)).toBe(true);
  const root = bench.layout.partitions[1];
  expect(await lookAt(two)).toMatchObject({
    hostname: `${imageHostname}\n`,
    blobSha256: bench.blobSha256,
    rootEnd: (root?.startBytes ?? 0) + (root?.sizeBytes ?? 0),
    tablesOk: true,
  });
});

test('smallest and largest choose among what is within the limits, and nothing else is written', async () => {
  const sizes = [112, 128, 144, 176];
  const policies = [
    { settings: { select: 'smallest', minBytes: 120 * mib }, taken: 1 },
    { settings: { select: 'largest', maxBytes: 150 * mib }, taken: 2 },
  ] as const;
  for (const { settings, taken } of policies) {
    const disks = await Promise.all(sizes.map(emptyDisk));
    const run = await install(
      {
        disks: Object.fromEntries(disks.map((disk, index) => [`disk-${index}`, disk])),
        settings: { ...settings, several: 'refuse' },
      },
      installed,
    );
    expect(run.line).toBe(`Installed test image on /dev/vd${'abcd'[taken] ?? ''}.`);
    await powersOff(run);
    for (const [index, disk] of disks.entries()) expect(await isZero(disk)).toBe(index !== taken);
    expect(await lookAt(disks[taken] ?? '')).toMatchObject({ blobSha256: bench.blobSha256, tablesOk: true });
  }
});

test('of two that are equally large somebody has to choose, and disks beyond the limits are told with the reason', async () => {
  const disks = { one: await emptyDisk(128), two: await emptyDisk(128), tiny: await emptyDisk(112) };
  const run = await install({ disks, settings: { select: 'largest' } }, /^Type its number, 1 to 2/);
  expect(run.lines.join('\n')).toMatch(/1\) \/dev\/vda +128\.0 MiB .*\n.*2\) \/dev\/vdb +128\.0 MiB /);
  await run.machine.kill();
  const limits = { minBytes: 120 * mib, maxBytes: 126 * mib };
  const none = await install({ disks, settings: { select: 'smallest', ...limits } }, decision);
  expect(none.lines).toContain('osforge: refused: no disk of this machine fits.');
  const text = none.lines.join('\n');
  expect(text).toContain("serial tiny  model -: is smaller than the recipe's minSize of 120.0 MiB");
  for (const serial of ['one', 'two'])
    expect(text).toContain(`serial ${serial}  model -: is larger than the recipe's maxSize of 126.0 MiB`);
  for (const disk of Object.values(disks)) expect(await isZero(disk)).toBe(true);
});

test('a disk that is not empty is left alone where the recipe says never to overwrite', async () => {
  const disk = await emptyDisk(128);
  const file = await open(disk, 'r+');
  // One byte of its last MiB: no table, and not empty all the same.
  await file.write(Buffer.from('x'), 0, 1, 127 * mib + 5);
  await file.close();
  const before = await digest(disk);
  const run = await install({ disks: { target: disk }, settings: { overwrite: 'never' } }, decision);
  expect(run.lines).toContain(
    'osforge: refused: /dev/vda is not empty, and the recipe says never to overwrite.',
  );
  expect(await digest(disk)).toBe(before);
});

test('a damaged payload is refused before anything is written', async () => {
  const folder = await emptyFolder();
  const content = join(folder, 'medium');
  await cp(join(bench.payload, '../..'), content, { recursive: true });
  const last = bench.parts.at(-1)?.file ?? '';
  const part = join(content, 'osforge/payload', last);
  const bytes = await readFile(part);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(part, bytes);
  const medium = join(folder, 'medium.iso');
  await makeIso(content, medium);
  const disk = await emptyDisk(128);
  const run = await install({ disks: { target: disk }, medium }, decision);
  expect(run.lines).toContain(
    `osforge: refused: the payload is damaged: ${last} is missing or not what this installer was made for.`,
  );
  expect(run.lines).toContain('Nothing was written to any disk.');
  expect(await isZero(disk)).toBe(true);
});

test("the medium's own disk is never taken, not even where it is named", async () => {
  const folder = await emptyFolder();
  const medium = join(folder, 'medium.raw');
  await copyFile(bench.medium, medium);
  const file = await open(medium, 'r+');
  await file.truncate(256 * mib);
  await file.close();
  const before = await digest(medium);
  const other = await emptyDisk(128);
  const run = await install(
    { disks: { medium, other }, medium: null, settings: { select: 'serial', serials: ['medium'] } },
    decision,
  );
  expect(run.lines).toContain('osforge: refused: no disk of this machine fits.');
  const text = run.lines.join('\n');
  expect(text).toContain('serial medium  model -: is the installation medium');
  expect(text).toContain('serial other  model -: has none of the serial numbers of the recipe');
  expect(await digest(medium)).toBe(before);
  expect(await isZero(other)).toBe(true);
});

const waiting = /^It is not there yet; waiting for it/;

test('a disk and a medium that are plugged in while it waits are found, behind a card that needs a driver', async () => {
  const plugs = plugsIn(await emptyFolder());
  const disk = await emptyDisk(128);
  const run = await install({ disks: {}, medium: null, extra: plugs.extra }, waiting);
  const done = run.said(installed);
  await plugs.execute('device_add', { driver: 'virtio-scsi-pci', id: 'hba', bus: 'bay' });
  await plugs.plugIn('target', disk, { driver: 'scsi-hd', bus: 'hba.0' });
  await plugs.plugIn('medium', bench.medium, { driver: 'scsi-hd', bus: 'hba.0' });
  // The kernel names them as it comes to them: the card's own scan may find the second first.
  expect(await done).toMatch(/^Installed test image on \/dev\/sd[ab]\.$/);
  await powersOff(run);
  expect(await lookAt(disk)).toMatchObject({ blobSha256: bench.blobSha256, tablesOk: true });
});

test('without a medium it waits for its 60 s and refuses; a disc that is inserted while it waits again is found', async () => {
  const plugs = plugsIn(await emptyFolder());
  const disk = await emptyDisk(128);
  const drive = ['-device', 'ide-cd,id=drive,bus=ide.0'];
  const run = await install(
    { disks: { target: disk }, medium: null, extra: [...plugs.extra, ...drive] },
    decision,
  );
  expect(run.lines).toContain('osforge: refused: the installation medium was not found.');
  expect(run.lines).toContain('Nothing was written to any disk.');
  await run.answerFor('', waiting);
  const done = run.said(installed);
  await plugs.execute('blockdev-change-medium', { id: 'drive', filename: bench.medium, format: 'raw' });
  expect(await done).toBe('Installed test image on /dev/vda.');
  await powersOff(run);
  expect(await lookAt(disk)).toMatchObject({ blobSha256: bench.blobSha256, tablesOk: true });
});

test('power lost while it writes leaves a disk that does not boot, and the next run finishes', async () => {
  const disk = await emptyDisk(160);
  // Something was installed before: its table must not outlive it.
  await copyFile(bench.image, disk);
  const file = await open(disk, 'r+');
  await file.truncate(160 * mib);
  await file.close();
  const settings = { overwrite: 'always' } as const;
  const slow = await install(
    {
      disks: {},
      settings,
      extra: [
        ...['-drive', `file=${disk},format=raw,if=none,id=target,cache=unsafe,throttling.bps-write=2500000`],
        ...['-device', 'virtio-blk-pci,drive=target,serial=target'],
      ],
    },
    /^Writing: (?!100 )\d+ %/,
  );
  await slow.machine.kill();
  expect(await isZero(disk, 0, mib)).toBe(true);
  expect(await isZero(disk, 159 * mib)).toBe(true);
  expect(await isZero(disk)).toBe(false);
  const reader = await openRaw(disk);
  await expect(readGpt(reader)).rejects.toMatchObject({ code: 'DISK_IMAGE_GPT_FORMAT' });
  await reader.close();
  // Nothing to ask: the disk counts as empty.
  const again = await install({ disks: { target: disk }, settings: { overwrite: 'never' } }, installed);
  await powersOff(again);
  expect(await lookAt(disk)).toMatchObject({ blobSha256: bench.blobSha256, tablesOk: true });
});

test('a disk that stores a byte wrong is told with its place; once it keeps it, the same run finishes', async () => {
  const faulty = await openFaultyDisk(await emptyFolder(), 128 * mib);
  onTestFinished(() => faulty.dispose());
  const range = bench.parts.find(({ kind, length }) => kind === 'range' && length > 4 * mib);
  if (range === undefined) throw new Error('no long range');
  await faulty.control({ flipAt: range.offset + 2 * mib + 77 });
  const run = await install({ disks: { target: faulty.path }, cache: 'none' }, decision);
  expect(run.lines).toContain(
    `Bytes ${range.offset} to ${range.offset + range.length} were not stored as they were written; writing them once more.`,
  );
  expect(run.lines.join('\n')).toContain(
    `osforge: failed: /dev/vda does not keep what is written to it, at byte ${range.offset} (`,
  );
  expect(run.lines.join('\n')).toContain('/dev/vda holds no complete installation and does not boot.');
  expect(await isZero(faulty.path, 0, mib)).toBe(true);
  await faulty.control({});
  await run.answerFor('', installed);
  await powersOff(run);
  expect(await lookAt(faulty.path)).toMatchObject({ blobSha256: bench.blobSha256, tablesOk: true });
});

interface PayloadServer {
  readonly port: number;
  /** Files that were asked for, in order. */
  readonly asked: string[];
}

/** Serves the payload on this machine's loopback, which the guest sees as 10.0.2.2. */
async function serve(
  respond: (name: string, times: number) => Buffer | number | undefined,
): Promise<PayloadServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '').replace(/^\/lab\//, '');
    asked.push(name);
    const own = respond(name, asked.filter((one) => one === name).length);
    if (typeof own === 'number') {
      response.writeHead(own).end();
      return;
    }
    if (own !== undefined) {
      response.end(own);
      return;
    }
    readFile(join(bench.payload, name)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, asked };
}

test('over HTTP a download that fails is tried again, and the address of the card can be the name', async () => {
  const second = bench.parts[1]?.file ?? '';
  const server = await serve((name, times) => (name === second && times <= 2 ? 503 : undefined));
  const disk = await emptyDisk(128);
  const run = await install(
    {
      disks: { target: disk },
      medium: null,
      network: true,
      commandLine: `osforge.payload=http://10.0.2.2:${server.port}/lab/`,
      settings: { hostnameTemplate: 'pc-{mac}' },
    },
    installed,
  );
  await powersOff(run);
  expect(run.line).toMatch(/ as pc-525400123456\.$/);
  expect(run.lines).toContain(`The download of ${second} failed; trying again in 1 s.`);
  expect(run.lines).toContain(`The download of ${second} failed; trying again in 2 s.`);
  expect(server.asked.filter((name) => name === second)).toHaveLength(3);
  expect(await lookAt(disk)).toMatchObject({ hostname: 'pc-525400123456\n', blobSha256: bench.blobSha256 });
});

test('without a cable it waits for an address for its 60 s and refuses; plugged in while it waits again, it gets one', async () => {
  const server = await serve(() => undefined);
  const plugs = plugsIn(await emptyFolder());
  const disk = await emptyDisk(128);
  const cable = (up: boolean): Promise<void> => plugs.execute('set_link', { name: 'net0', up });
  const run = await install(
    {
      disks: { target: disk },
      medium: null,
      network: true,
      commandLine: `osforge.payload=http://10.0.2.2:${server.port}/lab`,
      extra: plugs.extra,
    },
    decision,
    () => cable(false),
  );
  expect(run.lines).toContain('osforge: refused: no network card got an address by DHCP.');
  expect(run.lines).toContain('Network cards: eth0 (52:54:00:12:34:56).');
  expect(server.asked).toEqual([]);
  await run.answerFor('', /^Waiting for the network/);
  const done = run.said(installed);
  await cable(true);
  await done;
  expect(run.lines).toContain('Network card eth0 has the address 10.0.2.15.');
  await powersOff(run);
  expect(await lookAt(disk)).toMatchObject({ blobSha256: bench.blobSha256 });
});

test('over HTTP a part of another image is refused, and so is a part without end', async () => {
  const [, second, third] = bench.parts;
  let isEndless = false;
  const server = await serve((name) => {
    if (!isEndless && name === second?.file) return Buffer.alloc(second.fileBytes, 7);
    if (isEndless && name === third?.file) return Buffer.alloc(third.fileBytes + 8 * mib, 7);
    return undefined;
  });
  const disk = await emptyDisk(128);
  const run = await install(
    {
      disks: { target: disk },
      medium: null,
      network: true,
      commandLine: `osforge.payload=http://10.0.2.2:${server.port}/lab`,
    },
    decision,
  );
  const refusal = (name = ''): string =>
    `osforge: refused: the server gives another ${name} than this installer was made for.`;
  expect(run.lines).toContain(refusal(second?.file));
  isEndless = true;
  await run.answerFor('', decision);
  expect(run.lines).toContain(refusal(third?.file));
  expect(await isZero(disk)).toBe(true);
});

/** A Debian package with the one file that the driver of Intel's 82551 wants before it brings the card up. */
async function firmwarePackage(folder: string): Promise<string> {
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'lib/firmware/e100'), { recursive: true });
  await mkdir(join(tree, 'DEBIAN'));
  await writeFile(
    join(tree, 'DEBIAN/control'),
    'Package: firmware-card\nVersion: 1\nArchitecture: all\nMaintainer: osforge <none@example.org>\nDescription: test\n',
  );
  // As long as the driver wants it: 134 words, and the places of three numbers in them. QEMU's card runs none of it.
  const code = Buffer.alloc(134 * 4 + 3);
  code.set([1, 2, 3], 134 * 4);
  await writeFile(join(tree, 'lib/firmware/e100/d102e_ucode.bin'), code);
  const archive = join(folder, 'firmware-card_1_all.deb');
  await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', tree, archive]);
  return archive;
}

test('the kernel finds the firmware of the recipe, and only that: a card that needs it gets an address with it alone', async () => {
  const server = await serve(() => undefined);
  const folder = await emptyFolder();
  const archive = await firmwarePackage(folder);
  const lines: string[][] = [];
  for (const firmware of [['firmware-card'], []]) {
    const target = await emptyFolder();
    const boot = await buildInitramfs({
      archives: [...bench.archives, archive],
      firmware,
      target,
      // With the address in the host name, the drivers of cards are in the installer itself.
      settings: { ...bench.settings, hostnameTemplate: 'pc-{mac}' },
      partsTsv: formatParts(bench.parts),
      names: [],
      epochSeconds: 1_700_000_000,
      temporaryDirectory: target,
      signal: new AbortController().signal,
    });
    const run = await install(
      {
        boot,
        disks: { target: await emptyDisk(128) },
        medium: null,
        commandLine: `osforge.payload=http://10.0.2.2:${server.port}/lab`,
        extra: ['-netdev', 'user,id=net', '-device', 'i82551,netdev=net'],
      },
      firmware.length > 0 ? installed : decision,
    );
    lines.push(run.lines);
  }
  expect(lines[0]).toContain('Network card eth0 has the address 10.0.2.15.');
  expect(lines[1]).toContain('osforge: refused: no network card got an address by DHCP.');
});

test('a stick counts machines, on itself and before it writes, and is no disk to install on', async () => {
  const stick = join(await emptyFolder(), 'stick.raw');
  const sizeBytes = 128 * mib;
  await createSparseFile(stick, sizeBytes);
  await makeEsp({
    imagePath: stick,
    offsetBytes: 0,
    sizeBytes,
    volumeId: 'cafe0002',
    sourceDateEpoch: 1_700_000_000,
    files: [
      { path: 'osforge/medium-id', content: Buffer.from(`${bench.settings.mediumId}\n`) },
      { path: 'osforge/counter', content: Buffer.from('0000000041\n') },
      ...bench.parts.map(({ file }) => ({
        path: `osforge/payload/${file}`,
        from: join(bench.payload, file),
      })),
    ],
  });
  const disk = await emptyDisk(128);
  const run = await install(
    {
      disks: { target: disk },
      medium: null,
      settings: { hostnameTemplate: 'pc-{counter}', counterDigits: 4 },
      extra: [
        ...['-drive', `file=${stick},format=raw,if=none,id=stick`],
        ...['-device', 'qemu-xhci', '-device', 'usb-storage,drive=stick,serial=stick'],
      ],
    },
    /^Erasing the partition tables/,
  );
  const done = run.said(installed);
  expect((await readFile(stick)).includes('0000000042\n')).toBe(true);
  expect(await done).toMatch(/ as pc-0042\.$/);
  await powersOff(run);
  expect((await readFile(stick)).includes('0000000041\n')).toBe(false);
  expect(await lookAt(disk)).toMatchObject({ hostname: 'pc-0042\n' });
});

test('an ordinary user makes the same bytes of equal packages and settings, and leaves nothing (as root, becomes one)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-installer-user-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? 48_612 : (process.getuid?.() ?? 0);
  const [target, temporaryDirectory] = [join(folder, 'boot'), join(folder, 'tmp')];
  await chmod(folder, 0o755);
  for (const path of [target, temporaryDirectory]) {
    await mkdir(path);
    if (isRoot) await chown(path, uid, uid);
  }
  const request = {
    archives: [...bench.archives].reverse(),
    firmware: [],
    target,
    settings: bench.settings,
    partsTsv: formatParts(bench.parts),
    names: [],
    epochSeconds: 1_700_000_000,
    temporaryDirectory,
  };
  const source = join(import.meta.dirname, '../../src/installer/build-initramfs.ts');
  const script = `
    const { buildInitramfs } = await import(${JSON.stringify(source)});
    await buildInitramfs({ ...${JSON.stringify(request)}, signal: new AbortController().signal });`;
  const node = [process.execPath, '--conditions=@osforge/source', '--input-type=module', '-e', script];
  const asUser = join(import.meta.dirname, '../../../../tools/as-user/as-user.sh');
  const [program = '', ...args] = isRoot ? [asUser, String(uid), ...node] : node;
  await promisify(execFile)(program, args, {
    cwd: target,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  });
  for (const file of ['kernel', 'initramfs', 'networkInitramfs', 'loader'] as const) {
    const made = join(target, basename(bench.boot[file]));
    expect(await digest(made)).toBe(await digest(bench.boot[file]));
    expect((await stat(made)).uid).toBe(uid);
  }
  expect(await readdir(temporaryDirectory)).toEqual([]);
  // Kernel and initramfs, as every medium carries them.
  const bytes = (await stat(bench.boot.initramfs)).size + (await stat(bench.boot.kernel)).size;
  expect(bytes).toBeLessThan(32 * mib);
});
