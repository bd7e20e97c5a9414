import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { createSparseFile, partitionTypes, planGpt, writeGpt } from '@osforge/disk-image';
import { describe, expect } from 'vitest';
import { cli, cliInShell, finished, startCli } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

const mib = 1024 * 1024;

async function makeDisk(folder: string, name = 'disk.raw', label = 'data'): Promise<string> {
  const file = path.join(folder, name);
  const layout = planGpt({
    sectorSize: 512,
    diskSizeBytes: 16 * mib,
    diskGuid: '11111111-2222-4333-8444-555555555555',
    partitions: [
      {
        name: label,
        typeGuid: partitionTypes.linuxData,
        guid: 'aaaaaaaa-2222-4333-8444-555555555555',
        sizeBytes: 8 * mib,
      },
    ],
  });
  await createSparseFile(file, layout.diskSizeBytes);
  await writeGpt(file, layout);
  execFileSync('mkfs.ext4', ['-q', '-L', 'files', '-E', `offset=${mib}`, file, '8m'], {
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  return file;
}

test('inspect: a table for people, JSON for programs', async ({ folder }) => {
  const file = await makeDisk(folder);
  const text = await cli(['inspect', 'disk.raw', '--hash'], { cwd: folder });
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(/^format +raw$/m);
  expect(text.stdout).toMatch(/^sectors +512 bytes, told by the partition table$/m);
  expect(text.stdout).toMatch(/^table +GPT 11111111-2222-4333-8444-555555555555, both copies sound$/m);
  expect(text.stdout).toMatch(/^1 +data +1\.0 MiB +8\.0 MiB +Linux data +aaaaaaaa\S+ +ext4 +files +clean$/m);
  expect(text.stdout).toMatch(/^disk SHA-256 +[0-9a-f]{64}$/m);
  const json = await cli(['inspect', file, '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    path: file,
    format: 'raw',
    virtualBytes: 16 * mib,
    sectorSize: { bytes: 512 },
    partitions: [{ number: 1, fileSystem: { type: 'ext4', dirty: false } }],
  });
  expect(json.stdout).not.toContain('hashes');
});

test('a zip is called a zip, with what to do', async ({ folder }) => {
  const file = path.join(folder, 'disk.raw.zip');
  await writeFile(file, Buffer.from('504b030414000000', 'hex'));
  for (const args of [
    ['inspect', 'disk.raw.zip'],
    ['convert', 'disk.raw.zip', 'out.qcow2'],
    ['diff', 'disk.raw.zip', 'disk.raw.zip'],
  ]) {
    const { code, stdout, stderr } = await cli(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: args[0] === 'diff' ? 2 : 1, stdout: '' });
    expect(stderr).toBe(
      `error: ${file} is a zip archive, which cannot be read here: unpack it first (unzip) and name the image that was in it\n`,
    );
  }
  const verified = await cli(['verify', 'disk.raw.zip'], { cwd: folder });
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(
    /^note +zip +it is a zip archive, and what is in it was not looked at: unpack it /m,
  );
  expect(await readdir(folder)).toEqual(['disk.raw.zip']);
});

test('--max-disk-size raises the limits, which the errors name', async ({ folder }) => {
  await makeDisk(folder);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', 'huge.qcow2', '65T'], { cwd: folder });
  execFileSync('zstd', ['-q', 'disk.raw'], { cwd: folder });
  const run = (...args: string[]): ReturnType<typeof cli> => cli(args, { cwd: folder });
  const large =
    /^error: \S+huge\.qcow2 holds a disk of 71468255805440 bytes, more than \d+: raise --max-disk-size if the image is trusted\n$/;
  expect(await run('inspect', 'huge.qcow2')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(large) as string,
  });
  expect(await run('inspect', 'huge.qcow2', '--max-disk-size', '65TiB')).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect(await run('diff', 'huge.qcow2', 'disk.raw')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(large) as string,
  });
  const verified = await run('verify', 'huge.qcow2');
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(/^failed +disk +.*: raise --max-disk-size if the image is trusted$/m);
  const small = await run('convert', 'disk.raw.zst', 'out.raw', '--max-disk-size', '15.5M');
  expect(small).toMatchObject({ code: 1, stdout: '' });
  expect(small.stderr).toMatch(
    /expands to more than 16252928 bytes: raise --max-disk-size if the image is trusted\n$/,
  );
  expect(await run('convert', 'disk.raw.zst', 'out.raw', '--max-disk-size', '16 MiB')).toMatchObject({
    code: 0,
  });
});

test('a disk that an image does not have', async ({ folder }) => {
  await makeDisk(folder);
  for (const args of [
    ['convert', 'disk.raw', 'out.qcow2', '--disk', '2'],
    ['inspect', 'disk.raw', '--disk', '2'],
  ])
    expect(await cli(args, { cwd: folder })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/disk\.raw has one disk: leave --disk out\n/) as string,
    });
  expect(await cli(['inspect', 'disk.raw', '--disk', '1'], { cwd: folder })).toMatchObject({ code: 0 });
  expect(await readdir(folder)).toEqual(['disk.raw']);
});

test('what a hostile image says of itself cannot reach the terminal', async ({ folder }) => {
  await makeDisk(folder, 'disk.raw', 'x\u001b[31m\u202ey');
  const { stdout } = await cli(['inspect', 'disk.raw'], { cwd: folder });
  expect(stdout).toMatch(/^1 +xy +/m);
  expect(stdout).not.toContain('\u001b');
});

test('verify: 0 where it holds, 1 with the place where it does not', async ({ folder }) => {
  const file = await makeDisk(folder);
  execFileSync('/bin/sh', ['-c', 'sha256sum disk.raw > SHA256SUMS'], { cwd: folder });
  const good = await cli(['verify', 'disk.raw'], { cwd: folder });
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toMatch(/^ok +gpt +both copies, with their CRCs$/m);
  expect(good.stdout).toMatch(/\ndisk\.raw holds\.\n$/);
  const bytes = await readFile(file);
  bytes[520] = 0xff;
  await writeFile(file, bytes);
  const bad = await cli(['verify', 'disk.raw'], { cwd: folder });
  expect(bad).toMatchObject({ code: 1, stderr: '' });
  expect(bad.stdout).toMatch(/^failed +checksums +.*SHA256SUMS says SHA-256 /m);
  expect(bad.stdout).toMatch(/^failed +gpt +primary .*CRC/m);
  expect(bad.stdout).toMatch(/\ndisk\.raw does not hold: 2 of \d+ checks failed\.\n$/);
  const json = await cli(['verify', 'disk.raw', '--json'], { cwd: folder });
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, path: 'disk.raw' });
});

test('verify: 1 for a file of which nothing can be checked', async ({ folder }) => {
  await writeFile(path.join(folder, 'notes.txt'), 'no image at all\n');
  const { code, stdout } = await cli(['verify', 'notes.txt'], { cwd: folder });
  expect(stdout).toMatch(/\nnotes\.txt cannot be verified: there is nothing to hold it against\.\n$/);
  expect(code).toBe(1);
  const json = await cli(['verify', 'notes.txt', '--json'], { cwd: folder });
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
});

test('verify --public-key: what is not signed by that key does not hold', async ({ folder }) => {
  await makeDisk(folder);
  const shell = (script: string): void => {
    execFileSync('/bin/sh', ['-e', '-c', script], { cwd: folder, stdio: 'ignore' });
  };
  shell(
    'sha256sum disk.raw > SHA256SUMS; minisign -G -W -p key.pub -s key.sec; minisign -G -W -p b.pub -s b.sec',
  );
  const args = ['verify', 'disk.raw', '--public-key', 'key.pub'];
  const unsigned = await cli(args, { cwd: folder });
  expect(unsigned.code).toBe(1);
  expect(unsigned.stdout).toMatch(/^failed +signature +there is no .*SHA256SUMS\.minisig$/m);
  shell('minisign -S -s b.sec -m SHA256SUMS');
  const other = await cli(args, { cwd: folder });
  expect(other.code).toBe(1);
  expect(other.stdout).toMatch(/^failed +signature +.* it is of key [0-9A-F]{16}, but the public key is /m);
  shell('minisign -S -s key.sec -m SHA256SUMS -t "release 7"');
  const signed = await cli(args, { cwd: folder });
  expect(signed).toMatchObject({ code: 0, stderr: '' });
  expect(signed.stdout).toMatch(/^ok +signature +.*: release 7$/m);
  const wrong = await cli(['verify', 'disk.raw', '--public-key', 'disk.raw'], { cwd: folder });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(
    /^error: --public-key disk\.raw: public key: it is neither a public key of minisign nor one in PEM; /,
  );
});

test('convert by extension, not over an existing file without --force; diff says that it is equal', async ({
  folder,
}) => {
  await makeDisk(folder);
  for (const [from, to] of [
    ['disk.raw', 'a.qcow2'],
    ['a.qcow2', 'b.raw.zst'],
    ['b.raw.zst', 'c.ffu'],
    ['c.ffu', 'd.vhdx'],
  ] as const) {
    const { code, stdout, stderr } = await cli(['convert', from, to], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${to}: \\S+ from \\S+, .*, occupies .*\\n$`));
  }
  expect(await cli(['diff', 'disk.raw', 'd.vhdx'], { cwd: folder })).toMatchObject({
    code: 0,
    stdout: 'The disks are equal.\n',
  });
  const { mtimeMs } = await stat(path.join(folder, 'a.qcow2'));
  const again = await cli(['convert', 'disk.raw', 'a.qcow2'], { cwd: folder });
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toBe('error: a.qcow2 exists already: remove it, or add --force\n');
  expect((await stat(path.join(folder, 'a.qcow2'))).mtimeMs).toBe(mtimeMs);
  const forced = await cli(['convert', 'disk.raw', 'a.qcow2', '--force', '--json'], { cwd: folder });
  expect(JSON.parse(forced.stdout)).toMatchObject({
    target: 'a.qcow2',
    format: 'qcow2',
    sourceFormat: 'raw',
  });
});

test('a cut qcow2 is damaged: convert makes nothing of it, diff ends with 2, inspect notes it', async ({
  folder,
}) => {
  await makeDisk(folder);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], {
    cwd: folder,
  });
  const bytes = await readFile(path.join(folder, 'disk.qcow2'));
  await writeFile(path.join(folder, 'cut.qcow2'), bytes.subarray(0, bytes.length / 2));
  const files = await readdir(folder);
  const damaged =
    /^error: \S+cut\.qcow2 is damaged or cut \(qemu-img check: \d+ corruptions, 0 errors\): get the file again\n$/;
  for (const target of ['out.raw', 'out.raw.zst', 'out.ffu']) {
    const { code, stdout, stderr } = await cli(['convert', 'cut.qcow2', target], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(damaged);
  }
  expect(await readdir(folder)).toEqual(files);
  for (const images of [
    ['disk.raw', 'cut.qcow2'],
    ['cut.qcow2', 'disk.raw'],
  ]) {
    const { code, stdout, stderr } = await cli(['diff', ...images], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(damaged);
  }
  const looked = await cli(['inspect', 'cut.qcow2'], { cwd: folder });
  expect(looked).toMatchObject({ code: 0, stderr: '' });
  expect(looked.stdout).toMatch(/^problem +damaged or cut \(qemu-img check: /m);
  expect((await cli(['verify', 'cut.qcow2'], { cwd: folder })).code).toBe(1);
});

test('convert --compress: an FFU that reads back, verifies and is smaller; for nothing else', async ({
  folder,
}) => {
  const file = await makeDisk(folder);
  // Without a flag also for a disk that is no multiple of the usual block.
  const odd = planGpt({
    sectorSize: 512,
    diskSizeBytes: 64 * mib + 8192,
    diskGuid: '11111111-2222-4333-8444-555555555555',
    partitions: [],
  });
  await createSparseFile(path.join(folder, 'odd.raw'), odd.diskSizeBytes);
  await writeGpt(path.join(folder, 'odd.raw'), odd);
  for (const args of [
    ['disk.raw', 'plain.ffu'],
    ['disk.raw', 'packed.ffu', '--compress'],
    ['odd.raw', 'odd.ffu'],
  ])
    expect(await cli(['convert', ...args], { cwd: folder })).toMatchObject({ code: 0, stderr: '' });
  const sizes = await Promise.all(['plain', 'packed'].map((name) => stat(path.join(folder, `${name}.ffu`))));
  expect(sizes[1]?.size).toBeLessThan((sizes[0]?.size ?? 0) / 2);
  for (const name of ['packed', 'odd']) {
    expect((await cli(['verify', `${name}.ffu`], { cwd: folder })).code).toBe(0);
    expect(await cli(['convert', `${name}.ffu`, `${name}.back.raw`], { cwd: folder })).toMatchObject({
      code: 0,
    });
  }
  expect((await readFile(path.join(folder, 'packed.back.raw'))).equals(await readFile(file))).toBe(true);
  expect(await cli(['diff', 'odd.raw', 'odd.back.raw'], { cwd: folder })).toMatchObject({ code: 0 });
  const files = await readdir(folder);
  const wrong = await cli(['convert', 'disk.raw', 'x.qcow2', '--compress'], { cwd: folder });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toBe(
    'error: --compress is for FFU, which x.qcow2 is not: end its name in .ffu, or leave it out\n',
  );
  expect(await readdir(folder)).toEqual(files);
});

test('diff: an FFU with one changed byte is damaged, not different', async ({ folder }) => {
  await makeDisk(folder);
  expect((await cli(['convert', 'disk.raw', 'disk.ffu'], { cwd: folder })).code).toBe(0);
  const bytes = await readFile(path.join(folder, 'disk.ffu'));
  const at = bytes.length - 300_000;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path.join(folder, 'changed.ffu'), bytes);
  const { code, stdout, stderr } = await cli(['diff', 'disk.raw', 'changed.ffu'], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(
    /^error: \S+changed\.ffu is damaged or cut \(1 of \d+ chunks are not what their digests say, the first at byte \d+\): get the file again\n$/,
  );
});

test('diff: which partitions and files, 1; trouble is 2', async ({ folder }) => {
  await makeDisk(folder, 'a.raw');
  const b = await makeDisk(folder, 'b.raw', 'other');
  const part = path.join(folder, 'part');
  const script = [
    'dd if="$1" of="$2" bs=1M skip=1 count=8 status=none',
    'PATH=$PATH:/usr/sbin:/sbin debugfs -w -R "write /etc/hostname new" "$2" 2>/dev/null',
    'dd if="$2" of="$1" bs=1M seek=1 conv=notrunc status=none',
  ];
  execFileSync('/bin/sh', ['-e', '-c', script.join('\n'), 'sh', b, part]);
  const text = await cli(['diff', 'a.raw', 'b.raw'], { cwd: folder });
  expect(text).toMatchObject({ code: 1, stderr: '' });
  expect(text.stdout).toMatch(/^partition 1 \(other\): name data → other$/m);
  expect(text.stdout).toMatch(
    /^partition 1 \(other\): bytes differ, .*; files: 1 added, 0 removed, 0 changed$/m,
  );
  expect(text.stdout).toMatch(/^ {2}\+ \/new$/m);
  const json = await cli(['diff', 'a.raw', 'b.raw', '--json'], { cwd: folder });
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ equal: false, partitions: [{ fileCounts: { added: 1 } }] });
  await writeFile(
    path.join(folder, 'cut.ffu'),
    Buffer.concat([Buffer.alloc(4), Buffer.from('SignedImage ')]),
  );
  const trouble = await cli(['diff', 'a.raw', 'cut.ffu'], { cwd: folder });
  expect(trouble).toMatchObject({ code: 2, stdout: '' });
  expect(trouble.stderr).toMatch(/^error: FFU, security header at byte 0: /);
});

describe('wrong usage ends with 2, on standard error, and makes nothing', () => {
  test.for<[string, string[], RegExp]>([
    ['no image', ['inspect'], /missing required argument 'image'/],
    [
      'an image that is not there',
      ['inspect', 'none.raw'],
      /none\.raw: there is no such file; name an image/,
    ],
    ['a folder', ['inspect', '.'], /neither a file nor a device/],
    ['a device that is none', ['verify', '/dev/null'], /neither a file nor a device/],
    ['an empty name', ['verify', ''], /empty; name a file/],
    ['a file below a file', ['verify', '/etc/hostname/x'], /there is no such file/],
    ['one argument to convert', ['convert', '/etc/hostname'], /missing required argument 'target'/],
    ['an extension without a format', ['convert', '/etc/hostname', 'x.iso'], /end the name in \.raw, /],
    ['a folder that is not there', ['convert', '/etc/hostname', 'no/x.raw'], /its folder does not exist/],
    ['the source as target', ['convert', '/etc/hostname', '/etc/hostname'], /end the name in/],
    ['one image to diff', ['diff', '/etc/hostname'], /missing required argument 'after'/],
    ['an image to diff that is not there', ['diff', '/etc/hostname', 'none'], /there is no such file/],
    ['a disk that is no number', ['inspect', '/etc/hostname', '--disk', '0'], /Give the number of a disk: 2/],
    ['a size that is none', ['inspect', '/etc/hostname', '--max-disk-size', '2TB'], /with GiB or TiB: 2TiB/],
    ['an unknown flag', ['diff', '--brief', 'a', 'b'], /unknown option '--brief'/],
  ])('%s', async ([, args, message], { folder }) => {
    const { code, stdout, stderr } = await cli(args, { cwd: folder });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/^ +at /m);
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a damaged image is a failure with a place, no defect', async ({ folder }) => {
  await writeFile(path.join(folder, 'x.zst'), Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]));
  for (const args of [
    ['inspect', 'x.zst'],
    ['convert', 'x.zst', 'y.raw'],
  ]) {
    const { code, stdout, stderr } = await cli(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^error: \S+x\.zst cannot be expanded behind byte 0 of the disk in it: .*; get the file again\n$/,
    );
  }
  expect(await readdir(folder)).toEqual(['x.zst']);
});

test('no permission says what to do (as root: by another user)', async ({ folder }) => {
  const file = await makeDisk(folder);
  await chmod(folder, 0o755);
  await chmod(file, 0o600);
  const asUser = path.join(import.meta.dirname, '../../../tools/as-user/as-user.sh');
  const asNobody = process.getuid?.() === 0 ? `'${asUser}' 65534 ` : '';
  if (asNobody === '') await chmod(file, 0);
  const read = await cliInShell(`${asNobody}"$@" inspect "$IMG"; echo $?`, { env: { IMG: file } });
  expect(read.stdout).toBe('1\n');
  expect(read.stderr).toMatch(/EACCES: .*\nRun it as the user whose files these are, or as root\.\n$/);
  await chmod(file, 0o644);
  await mkdir(path.join(folder, 'closed'), { mode: 0o555 });
  const write = await cliInShell(`${asNobody}"$@" convert "$IMG" "$OUT"; echo $?`, {
    env: { IMG: file, OUT: path.join(folder, 'closed', 'x.qcow2') },
  });
  expect(write.stdout).toBe('1\n');
  expect(write.stderr).toMatch(/EACCES: /);
});

test('a reader that has had enough is none; a result that cannot be written is a failure', async ({
  folder,
}) => {
  await makeDisk(folder);
  const pipe = await cliInShell('"$@" inspect disk.raw --json | head -1; echo "${PIPESTATUS[0]}"', {
    cwd: folder,
  });
  expect(pipe).toMatchObject({ stdout: '{\n0\n', stderr: '' });
  const full = await cliInShell('"$@" verify disk.raw > /dev/full; echo $?', { cwd: folder });
  expect(full.stdout).toBe('1\n');
  expect(full.stderr).toContain('standard output could not be written: ');
});

test('Ctrl-C while it converts leaves nothing, and ends with 130', async ({ folder }) => {
  const file = path.join(folder, 'large.raw');
  await createSparseFile(file, 40 * 1024 * mib);
  const child = startCli(['convert', 'large.raw', 'large.raw.gz'], { cwd: folder });
  const run = finished(child);
  // It has begun when its folder is there.
  const watcher = watch(folder);
  try {
    for (;;) {
      // Listened for before the look: a change that comes meanwhile is not lost.
      const changed = once(watcher, 'change');
      if ((await readdir(folder)).some((name) => name.startsWith('.large'))) break;
      await changed;
    }
  } finally {
    watcher.close();
  }
  child.kill('SIGINT');
  expect(await run).toMatchObject({ code: 130, stdout: '', stderr: 'Cancelled.\n' });
  expect(await readdir(folder)).toEqual(['large.raw']);
});
