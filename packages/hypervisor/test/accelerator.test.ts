import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { probeAccelerator } from '@osforge/hypervisor';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'osforge-probe-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A stand-in for QEMU: says its version, and runs `body` for a guest; each guest run adds a line to `runs`. */
async function fakeQemu(body: string, version = '7.2.0'): Promise<string> {
  const program = join(folder, 'qemu');
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo "QEMU emulator version ${version}"; exit 0; fi\necho run >> ${folder}/runs\n${body}\n`;
  await writeFile(program, script, { mode: 0o755 });
  return program;
}

async function runs(): Promise<number> {
  const text = await readFile(join(folder, 'runs'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

test('the real QEMU and the real host: an answer with a reason', { timeout: 300_000 }, async () => {
  const { accelerator, reason } = await probeAccelerator({ timeoutMs: 5000 });
  expect(['kvm', 'tcg']).toContain(accelerator);
  expect(reason).toMatch(/\.$/);
});

test(
  'the test guest itself runs to its end, shown by TCG in place of KVM',
  { timeout: 300_000 },
  async () => {
    const program = await fakeQemu(
      'for a; do shift; case $a in kvm) a=tcg;; host) a=max;; esac; set -- "$@" "$a"; done; exec qemu-system-x86_64 "$@"',
    );
    const probe = await probeAccelerator({ program, device: '/dev/null', timeoutMs: 60_000 });
    expect(probe).toEqual({
      accelerator: 'kvm',
      reason: 'A test guest ran to its end under KVM.',
      cached: false,
    });
  },
);

test('a guest that hangs or dies means TCG', { timeout: 300_000 }, async () => {
  const hangs = await fakeQemu('exec tail -f /dev/null');
  expect(await probeAccelerator({ program: hangs, device: '/dev/null', timeoutMs: 200 })).toMatchObject({
    accelerator: 'tcg',
    reason: expect.stringContaining('hung') as string,
  });
  const dies = await fakeQemu('echo "kvm run failed" >&2; exit 1');
  expect(await probeAccelerator({ program: dies, device: '/dev/null' })).toMatchObject({
    accelerator: 'tcg',
    reason: expect.stringContaining('kvm run failed') as string,
  });
});

test('no device, no probe', async () => {
  const program = await fakeQemu('exit 33');
  const device = join(folder, 'no-kvm');
  expect(await probeAccelerator({ program, device })).toMatchObject({ accelerator: 'tcg', cached: false });
  expect(await runs()).toBe(0);
});

test('the answer is kept until the kernel or QEMU changes', { timeout: 300_000 }, async () => {
  const cacheDir = join(folder, 'cache');
  const options = { program: await fakeQemu('exit 33'), device: '/dev/null', cacheDir, kernelRelease: '6.1' };
  expect(await probeAccelerator(options)).toMatchObject({ accelerator: 'kvm', cached: false });
  expect(await probeAccelerator(options)).toMatchObject({ accelerator: 'kvm', cached: true });
  expect(await runs()).toBe(1);
  expect((await probeAccelerator({ ...options, kernelRelease: '6.2' })).cached).toBe(false);
  await fakeQemu('exit 33', '8.0.0');
  expect((await probeAccelerator(options)).cached).toBe(false);
  expect(await runs()).toBe(3);
  for (const name of await readdir(cacheDir)) await writeFile(join(cacheDir, name), '{"accelerator":');
  expect((await probeAccelerator(options)).cached).toBe(false);
});
