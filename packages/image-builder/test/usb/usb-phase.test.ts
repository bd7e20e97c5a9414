import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PhaseRecord } from '@osforge/checkpoint';
import { verifyMinisignedReceipt } from '@osforge/flasher';
import type { PhaseContext, PhasePlan, PhaseResult } from '@osforge/pipeline';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { BuildEnvironment } from '../../src/build/environment.ts';
import { removeReceipts } from '../../src/usb/receipts.ts';
import { chooseUsbTargets } from '../../src/usb/choose-targets.ts';
import { usbPhase } from '../../src/phases/usb.ts';
import { environmentOf, inputsOf } from '../phases/environment.ts';

const mib = 1024 ** 2;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-usb-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A loop device of 2 GiB that no block of is used yet; needs root. The disk of a recipe is at least so large. */
function loopDevice(name: string): string {
  const file = path.join(folder, name);
  execFileSync('truncate', ['-s', '2G', file]);
  const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  onTestFinished(() => {
    execFileSync('losetup', ['--detach', device]);
  });
  return device;
}

/** What capture or media would have left: a small raw image as qcow2, or as a stick image. */
async function made(environment: BuildEnvironment, bytes: Buffer, stick = false): Promise<PhaseRecord> {
  const { directory } = environment.layout;
  await mkdir(path.join(directory, 'media'), { recursive: true });
  const raw = path.join(directory, stick ? 'media/demo-install.raw' : 'raw');
  await writeFile(raw, bytes);
  const image = stick ? raw : path.join(directory, 'demo.qcow2');
  if (!stick) execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, image]);
  const file = await readFile(image);
  const at = new Date(0).toISOString();
  return {
    state: 'done',
    inputsKey: '',
    startedAt: at,
    completedAt: at,
    durationMs: 1,
    artifacts: [
      {
        name: path.basename(image),
        path: path.relative(directory, image),
        sizeBytes: file.length,
        sha256: sha256(file),
        retention: 'output',
        identity: { mtimeNs: '0', ctimeNs: '0', inode: '0' },
      },
    ],
    data: { contentSha256: sha256(bytes) },
  };
}

interface Ran {
  readonly result: PhaseResult;
  readonly logged: readonly string[];
  readonly steps: readonly string[];
}

async function runPhase(
  environment: BuildEnvironment,
  upstream: PhaseRecord,
  options: { fresh?: boolean; confirm?: () => boolean } = {},
): Promise<Ran> {
  const { fresh = false, confirm = () => true } = options;
  const { signal } = new AbortController();
  const plan: PhasePlan[] = ['capture', 'media', 'usb'].map((name) => ({
    name,
    action: name === 'usb' ? 'run' : 'reuse',
    reason: '',
    inputsKey: '',
  }));
  const usb = await chooseUsbTargets(environment, {
    plan,
    record: { phases: { capture: upstream, media: upstream } },
    fresh,
    confirm,
    signal,
  });
  const logged: string[] = [];
  const steps: string[] = [];
  const context: Pick<PhaseContext, 'signal' | 'upstream' | 'progress' | 'log'> = {
    signal,
    upstream: () => upstream,
    progress: (_fraction, step) => steps.push(step ?? ''),
    log: (line) => logged.push(line),
  };
  // The phase uses nothing else of its context.
  const result = await usbPhase({ ...environment, usb }).run(context as PhaseContext);
  return { result, logged, steps };
}

const names = (result: PhaseResult): string[] => result.artifacts.map(({ name }) => name);

describe('as root: phase usb', () => {
  test('writes the captured image to disks and files, with signed receipts as artifacts', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeFile(path.join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    const loop = loopDevice('stick');
    const file = path.join(folder, 'stick.raw');
    const environment = await environmentOf(
      folder,
      `disk: { size: 2G }\nusb: { targets: [${loop}, ${file}], probe: true }\ncapture: { formats: [qcow2], sign: { key: "file:key.pem" } }\n`,
    );
    const bytes = randomBytes(3 * mib);
    const { result, steps } = await runPhase(environment, await made(environment, bytes));
    const name = `${path.basename(loop)}.receipt.json`;
    expect(names(result)).toEqual([
      `usb/${name}`,
      `usb/${name}.minisig`,
      'usb/stick.raw.receipt.json',
      'usb/stick.raw.receipt.json.minisig',
    ]);
    expect(result.artifacts.every(({ retention }) => retention === 'output')).toBe(true);
    expect(steps.join()).toContain(`${path.basename(loop)} probing`);
    expect(sha256(await readFile(file))).toBe(sha256(bytes));
    const receipts = path.join(environment.layout.directory, 'usb');
    const receipt = await verifyMinisignedReceipt(
      await readFile(path.join(receipts, name), 'utf8'),
      await readFile(path.join(receipts, `${name}.minisig`), 'utf8'),
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    );
    expect(receipt).toMatchObject({ image: { sha256: sha256(bytes) }, target: { path: loop } });
    expect(result.data).toMatchObject({ image: 'demo.qcow2', imageSha256: sha256(bytes) });
    await removeReceipts(environment.layout.directory);
    expect(await readdir(environment.layout.directory)).not.toContain('usb');
  });

  test('a target that fails is named, and the next run writes that one alone', async () => {
    const file = path.join(folder, 'good.raw');
    await mkdir(path.join(folder, 'full'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}`, 'osforge-test', path.join(folder, 'full')]);
    try {
      const full = path.join(folder, 'full', 'bad.raw');
      const environment = await environmentOf(
        folder,
        `capture: { formats: [qcow2] }\nusb: { targets: [${file}, ${full}] }\n`,
      );
      const upstream = await made(environment, randomBytes(3 * mib));
      await expect(runPhase(environment, upstream)).rejects.toMatchObject({
        code: 'USB_WRITE_FAILED',
        complete: [file],
        failures: [{ target: full, code: 'FLASHER_TARGET_FULL' }],
      });
      const receipts = path.join(environment.layout.directory, 'usb');
      expect(await readdir(receipts)).toEqual(['good.raw.receipt.json']);
      execFileSync('mount', ['-o', `remount,size=${16 * mib}`, path.join(folder, 'full')]);
      const before = await readFile(path.join(receipts, 'good.raw.receipt.json'), 'utf8');
      const { result, logged } = await runPhase(environment, upstream);
      expect(logged).toContain(`${file} is complete by its receipt`);
      expect(names(result)).toEqual(['usb/good.raw.receipt.json', 'usb/bad.raw.receipt.json']);
      expect(await readFile(path.join(receipts, 'good.raw.receipt.json'), 'utf8')).toBe(before);
    } finally {
      execFileSync('umount', [path.join(folder, 'full')]);
    }
  });
});

describe('a target that is complete by its receipt', () => {
  const lines = (file: string, more = ''): string =>
    `capture: { formats: [qcow2] }\nusb: { targets: [${file}]${more} }\n`;

  test('is written again with another image, when everything is fresh, and when it is another file by now', async () => {
    const file = path.join(folder, 'stick.raw');
    const environment = await environmentOf(folder, lines(file));
    const upstream = await made(environment, randomBytes(mib));
    const isWritten = async (run: Promise<Ran>): Promise<boolean> => (await run).steps.length > 0;
    let asked = 0;
    const confirm = (): boolean => {
      asked += 1;
      return true;
    };
    expect(await isWritten(runPhase(environment, upstream, { confirm }))).toBe(true);
    // Nothing is lost by writing a file that is not there.
    expect(asked).toBe(0);
    expect(await isWritten(runPhase(environment, upstream, { confirm }))).toBe(false);
    expect(asked).toBe(0);
    expect(await isWritten(runPhase(environment, upstream, { confirm, fresh: true }))).toBe(true);
    expect(asked).toBe(1);
    await rm(file);
    await writeFile(file, 'another one');
    expect(
      await isWritten(runPhase(environment, await made(environment, randomBytes(mib)), { confirm })),
    ).toBe(true);
    expect(asked).toBe(2);
  });

  test('may be taken out; one that was never written must be there', async () => {
    const file = path.join(folder, 'place', 'stick.raw');
    await mkdir(path.dirname(file));
    const environment = await environmentOf(folder, lines(file));
    const upstream = await made(environment, randomBytes(mib));
    await runPhase(environment, upstream);
    await rm(path.dirname(file), { recursive: true });
    expect(names((await runPhase(environment, upstream)).result)).toEqual(['usb/stick.raw.receipt.json']);
    await removeReceipts(environment.layout.directory);
    await expect(runPhase(environment, upstream)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      checks: [{ name: `usb target ${file}`, remedy: 'Plug it in, or correct the name.' }],
    });
  });

  test('without verification counts only while none is asked for', async () => {
    const file = path.join(folder, 'stick.raw');
    const without = await environmentOf(folder, lines(file, ', verify: false'));
    const upstream = await made(without, randomBytes(mib));
    await runPhase(without, upstream);
    expect((await runPhase(without, upstream)).steps).toEqual([]);
    expect((await runPhase(await environmentOf(folder, lines(file)), upstream)).steps).not.toEqual([]);
  });
});

test('the stick image is written where there is one', async () => {
  const file = path.join(folder, 'stick.raw');
  const environment = await environmentOf(
    folder,
    `media: { formats: [stick] }\nusb: { targets: [${file}] }\n`,
  );
  const bytes = randomBytes(2 * mib);
  const { result } = await runPhase(environment, await made(environment, bytes, true));
  expect(result.data).toMatchObject({ image: 'demo-install.raw', imageSha256: sha256(bytes) });
  expect(sha256(await readFile(file))).toBe(sha256(bytes));
});

describe('before anything runs', () => {
  test('what exists is confirmed, or refused where nobody can be asked', async () => {
    const file = path.join(folder, 'stick.raw');
    await writeFile(file, 'precious');
    const environment = await environmentOf(folder, `usb: { targets: [${file}] }\n`);
    const options = { record: { phases: {} }, fresh: false, signal: new AbortController().signal };
    const plan: PhasePlan[] = [{ name: 'usb', action: 'run', reason: '', inputsKey: '' }];
    const choose = (
      confirm: Parameters<typeof chooseUsbTargets>[1]['confirm'],
      action: PhasePlan['action'] = 'run',
    ) =>
      chooseUsbTargets(environment, {
        ...options,
        plan: plan.map((one) => ({ ...one, action })),
        confirm,
      });
    await expect(choose(undefined)).rejects.toMatchObject({ code: 'USB_NOT_CONFIRMED', targets: [file] });
    await expect(choose(() => false)).rejects.toMatchObject({ code: 'USB_DECLINED' });
    const seen: unknown[] = [];
    const chosen = await choose(({ targets }) => seen.push(...targets) > 0);
    expect(chosen?.targets).toMatchObject([{ id: file, info: { identity: { path: file } } }]);
    expect(seen).toEqual([{ description: `${file}, file`, word: 'stick.raw' }]);
    // Nothing is asked where nothing is written.
    expect(await choose(undefined, 'reuse')).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe('precious');
  });

  test('a serial number that no disk has is told with what to do', async () => {
    const environment = await environmentOf(folder, 'usb: { serials: [no-such-stick] }\n');
    const upstream = await made(environment, randomBytes(mib));
    await expect(runPhase(environment, upstream)).rejects.toThrow(
      /usb target no-such-stick: no disk has the serial number no-such-stick\n +Plug it in/,
    );
  });
});

test('what decides the result is the recipe and the key, and nothing of a stick', async () => {
  const with_ = await environmentOf(folder, 'usb: { targets: [/dev/sdb] }\n');
  expect(await inputsOf(usbPhase(with_))).toEqual({
    usb: { write: 'image', targets: ['/dev/sdb'], serials: [], probe: false, verify: true },
  });
  const without = await environmentOf(folder);
  expect(
    usbPhase(without).skip?.({ buildId: 'demo', record: undefined, signal: new AbortController().signal }),
  ).toBe('not requested');
});
