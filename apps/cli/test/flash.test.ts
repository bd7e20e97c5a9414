import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { planGpt, writeGpt } from '@osforge/disk-image';
import { describe, expect } from 'vitest';
import { faultyDisk } from './support/faulty-disk.ts';
import { loopDevice, mib, mounted, sha256Of, writeImage, writeOldDisk } from './support/loop-device.ts';
import { cli, cliInShell, finished, startCli } from './support/run-cli.ts';
import { openTerminal } from './support/terminal.ts';
import { test } from './support/temporary.ts';

/** Journals of these tests are no business of the user who runs them. */
const state = (folder: string): { XDG_STATE_HOME: string; npm_lifecycle_event: string } => ({
  XDG_STATE_HOME: path.join(folder, 'state'),
  // That of whoever runs the tests.
  npm_lifecycle_event: '',
});

interface SeenEvent {
  readonly v: number;
  readonly seq: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const eventsOf = (stdout: string): SeenEvent[] =>
  stdout
    .trimEnd()
    .split('\n')
    // The shape is what these tests assert on.
    .map((line) => JSON.parse(line) as SeenEvent);

describe('as root: flash', () => {
  test('writes disks and files at once, verified, with signed receipts', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 20 * mib);
    await writeFile(path.join(folder, 'SHA256SUMS'), `${await sha256Of(image)}  image.raw\n`);
    const backing = await writeOldDisk(path.join(folder, 'disk'), 24 * mib);
    const loop = loopDevice(backing);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = path.join(folder, 'key.pem');
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(path.join(folder, 'pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const run = await cli(
      [
        ...['flash', 'image.raw', '--to', loop, 'file.raw', '--yes', '--probe'],
        ...['--receipts', 'receipts', '--sign', 'file:key.pem'],
      ],
      { cwd: folder, env: state(folder) },
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const name = path.basename(loop);
    expect(run.stdout).toMatch(/^\[ +\d\.\d s\] \S+image\.raw \(raw, 20\.0 MiB\) -> 2 targets$/m);
    expect(run.stdout).toContain('the image is what its checksum says\n');
    expect(run.stdout).toContain(`${name}: probing its capacity\n`);
    expect(run.stdout).toMatch(new RegExp(`\\] ${name}: complete, verified \\(\\w+\\): 20\\.0 MiB in `));
    expect(run.stdout).toMatch(/\nWrote image\.raw on 2 targets in [^\n]*, verified\.\n$/);
    expect(run.stdout).not.toContain('\u001B');
    execFileSync('blockdev', ['--flushbufs', loop]);
    expect((await readFile(backing)).subarray(0, 20 * mib).equals(await readFile(image))).toBe(true);
    expect(await sha256Of(path.join(folder, 'file.raw'))).toBe(await sha256Of(image));
    const receipt = path.join(folder, 'receipts', `${name}.receipt.json`);
    const openssl = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', path.join(folder, 'pub.pem')];
    execFileSync('openssl', [...openssl, '-in', receipt, '-sigfile', `${receipt}.sig`]);
    expect(JSON.parse(await readFile(receipt, 'utf8'))).toMatchObject({
      image: { sha256: await sha256Of(image) },
      target: { path: loop, backingFile: backing },
    });
  });

  test('signs receipts for minisign where the key is one of minisign', async ({ folder }) => {
    await writeImage(path.join(folder, 'image.raw'), mib);
    execFileSync('minisign', ['-G', '-W', '-p', 'key.pub', '-s', 'key'], { cwd: folder });
    const args = ['flash', 'image.raw', '--to', 'a.raw', '--yes', '--receipts', '.', '--sign', 'file:key'];
    expect(await cli(args, { cwd: folder, env: state(folder) })).toMatchObject({ code: 0 });
    execFileSync('minisign', ['-V', '-p', 'key.pub', '-m', 'a.raw.receipt.json'], { cwd: folder });
    expect(await readdir(folder)).not.toContain('a.raw.receipt.json.sig');
  });

  test('--json prints the events and nothing else, --events keeps a copy', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 2 * mib);
    const run = await cli(['flash', image, '--to', 'a.raw', '--yes', '--json', '--events', 'events.ndjson'], {
      cwd: folder,
      env: state(folder),
    });
    expect(run.code).toBe(0);
    expect(run.stderr).toBe('note: no checksum beside it: that the image itself is right is not checked\n');
    const events = eventsOf(run.stdout);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toMatchObject({
      v: 1,
      type: 'flash.started',
      data: { targets: [{ target: 'a.raw' }] },
    });
    expect(events.at(-2)).toMatchObject({ type: 'flash.target-completed', data: { sizeBytes: 2 * mib } });
    expect(events.at(-1)).toMatchObject({ type: 'flash.completed', data: { complete: 1 } });
    expect(await readFile(path.join(folder, 'events.ndjson'), 'utf8')).toBe(run.stdout);
    const quiet = await cli(['flash', image, '--to', 'b.raw', '--yes', '--quiet', '--no-verify'], {
      cwd: folder,
      env: state(folder),
    });
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(quiet.stdout).toMatch(/^Wrote image\.raw on 1 target in [^\n]*; not verified\.\n$/);
  });

  test('refuses what is in use, too small or named twice before anything is written', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 8 * mib);
    const used = loopDevice(await writeOldDisk(path.join(folder, 'mounted'), 16 * mib));
    execFileSync('mkfs.ext4', ['-q', used]);
    await mounted(used);
    const small = loopDevice(await writeOldDisk(path.join(folder, 'small'), mib));
    const good = await writeOldDisk(path.join(folder, 'good.raw'), 8 * mib);
    const before = await sha256Of(good);
    const args = ['flash', image, '--yes', '--to', 'good.raw', used, small, 'good.raw'];
    const run = await cli(args, { cwd: folder, env: state(folder) });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('error: 3 of 4 targets are refused:\n');
    expect(run.stderr).toContain(`  ${used}: ${path.basename(used)} is mounted on `);
    expect(run.stderr).toContain('Unmount it first, all of its partitions.\n');
    expect(run.stderr).toContain(
      `  ${small}: it holds ${mib} bytes and the image has ${8 * mib}. Take a larger one.\n`,
    );
    expect(run.stderr).toContain('it is the same as ');
    expect(run.stderr).toContain('Nothing was written. --skip-refused leaves these out.\n');
    expect(await sha256Of(good)).toBe(before);
    const rest = await cli([...args, '--skip-refused'], { cwd: folder, env: state(folder) });
    // Not all that was asked for was done.
    expect(rest.code).toBe(1);
    expect(rest.stderr).toContain(`skipped: ${small}: `);
    expect(await sha256Of(good)).toBe(await sha256Of(image));
    const list = await cli(['flash', '--list']);
    expect(list.stdout).toMatch(/^DISK +SIZE +MODEL +SERIAL +BUS +STATE\n/);
    expect(list.stdout).toMatch(new RegExp(`^${used} .* no: ${path.basename(used)} is mounted on`, 'm'));
    // The shape is what this test asserts on.
    const json = JSON.parse((await cli(['flash', '--list', '--json'])).stdout) as {
      identity: { path: string };
      problems: unknown[];
    }[];
    expect(json.find(({ identity }) => identity.path === used)?.problems).toMatchObject([
      { kind: 'mounted', remedy: 'Unmount it first, all of its partitions.' },
    ]);
    expect(json.find(({ identity }) => identity.path === small)?.problems).toEqual([]);
  });

  test('refuses a disk that would not find the partition table, before anybody is asked', async ({
    folder,
  }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 8 * mib);
    const gpt = planGpt({
      sectorSize: 512,
      diskSizeBytes: 8 * mib,
      diskGuid: '5F1D6C1A-6E05-4F3B-9D38-1A4E5C8F0B23',
      partitions: [],
    });
    await writeGpt(image, gpt);
    const disk = loopDevice(await writeOldDisk(path.join(folder, 'disk'), 8 * mib), '--sector-size=4096');
    const run = await cli(['flash', image, '--yes', '--to', disk], { cwd: folder, env: state(folder) });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(
      `error: ${disk}: it has sectors of 4096 bytes, and the image is made for 512. Take a disk with the sectors of the image, or`,
    );
    expect(run.stderr).toContain('Nothing was written.');
  });

  test('a full file system fails its target alone, and says how to go on', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 16 * mib);
    const full = path.join(await mounted('-t', 'tmpfs', '-o', `size=${mib}`, 'osforge-cli-test'), 'a.raw');
    const run = await cli(['flash', image, '--yes', '--to', full, 'good.raw'], {
      cwd: folder,
      env: state(folder),
    });
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('a.raw: FAILED: ');
    expect(run.stderr).toMatch(/^error: \S+a\.raw: .*no space is left \(ENOSPC\)/m);
    expect(run.stderr).toContain('1 of 2 targets is complete (good.raw). To go on');
    expect(run.stderr).toContain(`\n  osforge flash ${image} --to ${full}\n`);
    expect(await sha256Of(path.join(folder, 'good.raw'))).toBe(await sha256Of(image));
  });

  test('--probe finds a disk that lies about its capacity, and the others are written', async ({
    folder,
  }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 4 * mib);
    // It drops what is beyond 20 MiB: the image would fit, and whatever is stored behind it later would be lost.
    const faults = { realBytes: 20 * mib, drop: true };
    const fake = loopDevice(await faultyDisk(48 * mib, faults), '--direct-io=on');
    const args = ['flash', image, '--yes', '--probe', '--to', fake];
    const run = await cli([...args, 'good.raw'], { cwd: folder, env: state(folder) });
    const reason = `${fake} says that it holds ${48 * mib} bytes, and does not give back what was written at byte ${32 * mib}: do not use it`;
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(`${path.basename(fake)}: FAILED: ${reason}\n`);
    expect(run.stderr).toContain(`error: ${fake}: ${reason}\n`);
    expect(run.stderr).toMatch(/^1 of 2 targets is complete \(good\.raw\)\.\n$/m);
    // Nobody is told to go on with it.
    expect(run.stderr).not.toContain('To go on');
    expect(await sha256Of(path.join(folder, 'good.raw'))).toBe(await sha256Of(image));
    // What it could keep is as it was: zeros.
    execFileSync('cmp', ['--bytes', String(20 * mib), fake, '/dev/zero']);
    const json = await cli([...args, '--json'], { cwd: folder, env: state(folder) });
    expect(json.code).toBe(1);
    expect(eventsOf(json.stdout).find(({ type }) => type === 'flash.target-failed')?.data).toMatchObject({
      target: fake,
      code: 'FLASHER_CAPACITY',
      message: reason,
    });
  });

  test('Ctrl-C ends it with 130, and the command that it names goes on there', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 256 * mib);
    const backing = await writeOldDisk(path.join(folder, 'disk'), 256 * mib);
    const loop = loopDevice(backing);
    const child = startCli(['flash', image, '--to', loop, '--yes', '--json'], {
      cwd: folder,
      env: state(folder),
    });
    let pending = '';
    child.stdout.on('data', (chunk: unknown) => {
      pending += String(chunk);
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const { type, data } of lines.map((line) => JSON.parse(line) as SeenEvent))
        if (type === 'flash.target' && Number(data['verifiedBytes']) >= 32 * mib) child.kill('SIGINT');
    });
    const run = await finished(child);
    expect(run.code).toBe(130);
    expect(run.stderr).toContain('Cancelled. 0 of 1 targets are complete. To go on');
    expect(run.stderr).toContain(`  osforge flash ${image} --to ${loop}\n`);
    expect(eventsOf(run.stdout).at(-1)?.type).toBe('flash.cancelled');
    // Nothing boots from what is half written.
    const head = execFileSync('head', ['-c', '4096', loop]);
    expect(head.every((byte) => byte === 0)).toBe(true);
    const again = await cli(['flash', image, '--to', loop, '--yes'], { cwd: folder, env: state(folder) });
    expect(again.code).toBe(0);
    expect(again.stdout).toContain(`${path.basename(loop)}: continues where an earlier flash was cut\n`);
    expect(again.stdout).toMatch(/ MiB of it were there already/);
    execFileSync('blockdev', ['--flushbufs', loop]);
    expect(await sha256Of(backing)).toBe(await sha256Of(image));
    expect(await readdir(path.join(folder, 'state', 'osforge', 'flash'))).toEqual([]);
  });

  test('on a terminal the word has to be typed, and a table is drawn, on forty columns too', async ({
    folder,
  }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), 256 * mib);
    const backing = await writeOldDisk(path.join(folder, 'disk'), 256 * mib);
    const loop = loopDevice(backing);
    const name = path.basename(loop);
    const long = path.join(folder, 'a-file-with-a-name-that-is-longer-than-the-terminal-is-wide.raw');
    const terminal = await openTerminal(['flash', image, '--to', loop, long], {
      folder,
      columns: 100,
      rows: 20,
      env: state(folder),
    });
    try {
      const question = await terminal.until('the question', (text) => text.includes(`Type ${name}`));
      expect(question).toContain(`Everything on it will be lost: ${loop},`);
      expect(question).toContain('0.3 GB');
      await terminal.keys('yes', 'Enter');
      await terminal.until('the refusal', (text) => text.includes(`That is not ${name}.`));
      expect((await readFile(backing)).subarray(0, 12).toString()).toBe('old content ');
      await terminal.resize(40, 20);
      await terminal.keys('BSpace', 'BSpace', 'BSpace', name, 'Enter');
      const table = await terminal.until('a row', (text) =>
        new RegExp(`^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ${name} .*%`, 'm').test(text),
      );
      for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
      expect(table).toMatch(/^image\.raw → 2 targets$/m);
      const end = await terminal.until('the end', (text) => /^exit=\d+$/m.test(text));
      expect(end).toContain('exit=0');
      expect(end).toMatch(new RegExp(`^✔ ${name} +100%`, 'm'));
      expect(end).toMatch(/^✔ a-[^ ]*…[^ ]* +100%/m);
      expect(end).toMatch(/^Wrote image\.raw on 2 targets in/m);
    } finally {
      await terminal.close();
    }
  });

  test('on a terminal Ctrl-C at the question leaves the target as it is', async ({ folder }) => {
    const image = await writeImage(path.join(folder, 'image.raw'), mib);
    const old = await writeOldDisk(path.join(folder, 'old.raw'), mib);
    const before = await sha256Of(old);
    const terminal = await openTerminal(['flash', image, '--to', old], {
      folder,
      columns: 100,
      rows: 20,
      env: state(folder),
    });
    try {
      await terminal.until('the question', (text) => text.includes('Type old.raw'));
      await terminal.keys('C-c');
      const end = await terminal.until('the end', (text) => /^exit=\d+$/m.test(text));
      expect(end).toContain('Cancelled; nothing was written.');
      expect(end).toContain('exit=130');
      expect(await sha256Of(old)).toBe(before);
    } finally {
      await terminal.close();
    }
  });
});

test('an ordinary user is told what he may not write to, before anything is written (as root: nobody)', async ({
  folder,
}) => {
  const image = await writeImage(path.join(folder, 'image.raw'), mib);
  await chmod(folder, 0o755);
  const old = await writeOldDisk(path.join(folder, 'old.raw'), mib);
  await chmod(old, 0o444);
  const asUser = path.join(import.meta.dirname, '../../../tools/as-user/as-user.sh');
  const asNobody = process.getuid?.() === 0 ? `'${asUser}' 65534 ` : '';
  const run = await cliInShell(`${asNobody}"$@" flash "$IMG" --yes --to "$OLD" /dev/null; echo $?`, {
    env: { IMG: image, OLD: old, ...state(folder) },
  });
  expect(run.stdout).toBe('2\n');
  expect(run.stderr).toContain(
    `${old}: you may not write to it. Run it as root, or as a user who may write to it.`,
  );
  expect(run.stderr).toContain('/dev/null: it is neither a block device nor a regular file. ');
});

test('an image that its checksum does not vouch for costs no target what it holds', async ({ folder }) => {
  const image = await writeImage(path.join(folder, 'image.raw'), mib);
  const old = await writeOldDisk(path.join(folder, 'old.raw'), mib);
  const before = await sha256Of(old);
  await writeFile(path.join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  image.raw\n`);
  const run = await cli(['flash', image, '--yes', '--to', old], { env: state(folder) });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/^error: the image \S+ has the SHA-256 .*SHA256SUMS\): fetch it again$/m);
  expect(run.stderr).toMatch(/^0 of 1 targets are complete\.\n$/m);
  expect(await sha256Of(old)).toBe(before);
});

test('nobody is told to go on with an image that turns out damaged', async ({ folder }) => {
  const image = await writeImage(path.join(folder, 'bad.raw'), 4 * mib);
  execFileSync('gzip', ['-1', image]);
  const bytes = await readFile(`${image}.gz`);
  const middle = Math.floor(bytes.length / 2);
  bytes.fill(0, middle, middle + 64);
  await writeFile(`${image}.gz`, bytes);
  const run = await cli(['flash', 'bad.raw.gz', '--yes', '--to', 'a.raw', 'b.raw'], {
    cwd: folder,
    env: state(folder),
  });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/^error: b\.raw: the image \S+bad\.raw\.gz cannot be read: /m);
  expect(run.stderr).toMatch(/^0 of 2 targets are complete\.\n$/m);
});

test('the command that goes on is called as this one was', async ({ folder }) => {
  const image = await writeImage(path.join(folder, 'image.raw'), 64 * mib);
  const child = startCli(['flash', image, '--yes', '--to', 'a.raw'], {
    cwd: folder,
    env: { ...state(folder), npm_lifecycle_event: 'npx' },
  });
  child.stdout.once('data', () => child.kill('SIGINT'));
  const run = await finished(child);
  expect(run.code).toBe(130);
  expect(run.stderr).toContain(`\n  npx osforge flash ${image} --to a.raw\n`);
});

test('a reader that goes away does not end it', async ({ folder }) => {
  const image = await writeImage(path.join(folder, 'image.raw'), 8 * mib);
  const run = await cliInShell('"$@" flash image.raw --yes --to a.raw | head -1; echo "${PIPESTATUS[0]}"', {
    cwd: folder,
    env: state(folder),
  });
  expect(run.stdout).toMatch(/ -> 1 target\n0\n$/);
  expect(run.stderr).toContain('The flash goes on');
  expect(await sha256Of(path.join(folder, 'a.raw'))).toBe(await sha256Of(image));
});

describe('wrong usage ends with 2, and nothing is written', () => {
  test.for<[string, string[], RegExp]>([
    ['no image', ['--to', 'a.raw', '--yes'], /no image is named; give it before --to/],
    ['no target', ['image.raw', '--yes'], /no target is named; add --to TARGET/],
    ['an empty target', ['image.raw', '--yes', '--to', ''], /the name of a target is empty/],
    ['no terminal and no --yes', ['image.raw', '--to', 'a.raw'], /look at the targets and add --yes/],
    [
      'an image that is not there',
      ['none.raw', '--to', 'a.raw', '--yes'],
      /there is no such file; name an image/,
    ],
    [
      'a digest that is none',
      ['image.raw', '--yes', '--sha256', 'abc', '--to', 'a.raw'],
      /64 hexadecimal digits/,
    ],
    [
      'a map that is not there',
      ['image.raw', '--yes', '--bmap', 'x.bmap', '--to', 'a.raw'],
      /there is no such file/,
    ],
    [
      'a key and no receipts',
      ['image.raw', '--yes', '--sign', 'env:KEY', '--to', 'a.raw'],
      /add --receipts DIR/,
    ],
    [
      'a key on the command line',
      ['image.raw', '--yes', '--receipts', 'r', '--sign', 'hunter2', '--to', 'a.raw'],
      /env:NAME or file:PATH, and never the key itself/,
    ],
    [
      'a key that is none',
      ['image.raw', '--yes', '--receipts', 'r', '--sign', 'env:KEY', '--to', 'a.raw'],
      /--sign env:KEY: it is no Ed25519 key/,
    ],
    [
      'receipts below a file',
      ['image.raw', '--yes', '--receipts', 'image.raw/x', '--to', 'a.raw'],
      /--receipts image\.raw\/x: it is a file, or lies below one; choose another folder/,
    ],
    ['a list and an image', ['image.raw', '--list'], /--list writes nothing/],
    ['two outputs', ['image.raw', '--to', 'a.raw', '--json', '--quiet'], /cannot be used with/],
    ['the image as target', ['image.raw', '--yes', '--to', './image.raw'], /it holds the image itself/],
    [
      'a disk that is not there',
      ['image.raw', '--yes', '--to', '/dev/osforge0'],
      /there is no such device or folder/,
    ],
  ])('%s', async ([, args, message], { folder }) => {
    await writeImage(path.join(folder, 'image.raw'), mib);
    const run = await cli(['flash', ...args], { cwd: folder, env: { KEY: 'hunter2', ...state(folder) } });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
    expect(run.stderr.replace(args.join(' '), '')).not.toContain('hunter2');
    expect((await readdir(folder)).filter((name) => name === 'a.raw')).toEqual([]);
  });
});
