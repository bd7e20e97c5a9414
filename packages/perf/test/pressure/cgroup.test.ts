import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findCgroup, readCgroupMemory, type CgroupPlace, type ReadText } from '../../src/pressure/cgroup.ts';

const filesOf =
  (files: Record<string, string>): ReadText =>
  (path) =>
    files[path];

test('version 2: the group closest to its limit, its own or one above, without unused page cache', () => {
  const read = filesOf({
    '/proc/self/cgroup': '0::/system.slice/build.service\n',
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    '/sys/fs/cgroup/system.slice/build.service/memory.max': 'max\n',
    '/sys/fs/cgroup/system.slice/build.service/memory.high': 'max\n',
    '/sys/fs/cgroup/system.slice/build.service/memory.current': '900\n',
    '/sys/fs/cgroup/system.slice/memory.max': '2000\n',
    '/sys/fs/cgroup/system.slice/memory.high': '1000\n',
    '/sys/fs/cgroup/system.slice/memory.current': '950\n',
    '/sys/fs/cgroup/system.slice/memory.stat': 'anon 500\nfile 400\ninactive_file 300\nactive_file 100\n',
  });
  const place = findCgroup(read);
  expect(place).toMatchObject({ version: 2 });
  expect(place && readCgroupMemory(place, read)).toEqual({ usedBytes: 650, limitBytes: 1000 });
});

test('version 1, also on a machine that has both', () => {
  const folder = '/sys/fs/cgroup/memory/docker/abc';
  const files = {
    '/proc/self/cgroup': '4:memory:/docker/abc\n1:cpu:/\n0::/\n',
    [`${folder}/memory.limit_in_bytes`]: '1000\n',
    [`${folder}/memory.usage_in_bytes`]: '800\n',
    [`${folder}/memory.stat`]: 'total_inactive_file 100\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  };
  const place = findCgroup(filesOf(files));
  expect(place && readCgroupMemory(place, filesOf(files))).toEqual({ usedBytes: 700, limitBytes: 1000 });
  const unlimited = { ...files, [`${folder}/memory.limit_in_bytes`]: '9223372036854771712\n' };
  expect(place && readCgroupMemory(place, filesOf(unlimited))).toBeUndefined();
});

test('no group, and files that are gone or odd', () => {
  expect(findCgroup(() => undefined)).toBeUndefined();
  expect(readCgroupMemory({ version: 2, folders: ['/sys/fs/cgroup/x'] }, () => undefined)).toBeUndefined();
  expect(readCgroupMemory({ version: 2, folders: ['/x'] }, () => 'not a number')).toBeUndefined();
});

test('agrees with Node on the limit of this process', () => {
  const place = findCgroup();
  // Node says 0 or a huge number where there is no limit. Groups above may be tighter, which Node does not look at.
  const ofNode = process.constrainedMemory();
  const memory = place === undefined ? undefined : readCgroupMemory(place);
  if (ofNode > 0 && ofNode < 2 ** 60) expect(memory?.limitBytes).toBeLessThanOrEqual(ofNode);
  else if (memory !== undefined) expect(memory.usedBytes).toBeLessThanOrEqual(memory.limitBytes);
});

/** Makes a group with a limit; undefined where the file system of the groups is read-only, as in most containers. */
async function limitedGroup(place: CgroupPlace, limitBytes: number): Promise<string | undefined> {
  const top = place.folders.at(-1) ?? '';
  const folder = `${top}/osforge-test-${process.pid}`;
  try {
    await mkdir(folder);
  } catch {
    return undefined;
  }
  try {
    const limit = place.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    // In version 2 the topmost group has to hand the controller down, which it may not while it has processes.
    if (!existsSync(`${folder}/${limit}`)) await writeFile(`${top}/cgroup.subtree_control`, '+memory');
    await writeFile(`${folder}/${limit}`, String(limitBytes));
    return folder;
  } catch {
    await rmdir(folder);
    return undefined;
  }
}

test('as root: a child in a group with a limit reads it from the kernel, where a group can be made', async () => {
  const limitBytes = 512 * 1024 * 1024;
  const place = findCgroup();
  const folder = place && (await limitedGroup(place, limitBytes));
  const url = new URL('../../src/pressure/cgroup.ts', import.meta.url).href;
  const source = `
    import { findCgroup, readCgroupMemory } from ${JSON.stringify(url)};
    // It looks when it is told to, as it is moved to its group first.
    process.stdin.once('data', () => {
      const place = findCgroup();
      console.log(JSON.stringify(place && readCgroupMemory(place)) ?? 'null');
    });`;
  try {
    const child = spawn(process.execPath, ['--input-type=module', '-e', source]);
    await once(child, 'spawn');
    if (folder !== undefined) await writeFile(`${folder}/cgroup.procs`, String(child.pid));
    child.stdin.end('look\n');
    const [chunks] = await Promise.all([child.stdout.toArray(), once(child, 'close')]);
    // What the child wrote: CgroupMemory, or null.
    const memory = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as { limitBytes: number } | null;
    // Without a group of its own it is in that of this process.
    if (folder === undefined) expect(memory?.limitBytes).toBe(place && readCgroupMemory(place)?.limitBytes);
    else expect(memory?.limitBytes).toBe(limitBytes);
  } finally {
    if (folder !== undefined) await rmdir(folder);
  }
});
