import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { appInstallPhase } from '../../src/phases/app-install.ts';
import { capturePhase } from '../../src/phases/capture.ts';
import { diskPhase } from '../../src/phases/disk.ts';
import { mediaPhase } from '../../src/phases/media.ts';
import { preflightPhase } from '../../src/phases/preflight.ts';
import { vmSetupPhase } from '../../src/phases/vm-setup.ts';
import { environmentOf, inputsOf } from './environment.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-inputs-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const source = (host: string): string =>
  ['bookworm', 'bookworm-security', 'bookworm-updates']
    .map((suite) => `deb http://${host}.example/debian ${suite} main\n`)
    .join('');

test("another package source of the machine is another key of preflight; another's archive is not", async () => {
  const aptDirectory = path.join(folder, 'apt');
  const parts = path.join(aptDirectory, 'sources.list.d');
  await mkdir(parts, { recursive: true });
  const environment = await environmentOf(folder, '', { aptDirectory });
  const inputs = (): Promise<unknown> => inputsOf(preflightPhase(environment));

  await writeFile(path.join(aptDirectory, 'sources.list'), source('one'));
  const one = await inputs();
  expect(await inputs()).toEqual(one);
  await writeFile(path.join(parts, 'third.list'), 'deb http://third.example/ stable main\n');
  expect(await inputs()).toEqual(one);
  await writeFile(path.join(aptDirectory, 'sources.list'), source('two'));
  const two = await inputs();
  expect(two).not.toEqual(one);
  await writeFile(path.join(parts, 'more.list'), source('three'));
  expect(await inputs()).not.toEqual(two);
});

test.each([
  ['authorized keys', 'users:\n  - name: ada\n    authorizedKeys: ["file:secret"]\n', diskPhase],
  ['a password', 'users:\n  - name: ada\n    password: file:secret\n', diskPhase],
  [
    "a script's variable",
    'apps:\n  - name: web\n    scripts:\n      - path: run.sh\n        env: { TOKEN: file:secret }\n',
    appInstallPhase,
  ],
])('a changed file of %s changes the key, which holds nothing of it', async (_, lines, phaseOf) => {
  await writeFile(path.join(folder, 'run.sh'), '#!/bin/sh\n');
  const secret = path.join(folder, 'secret');
  await writeFile(secret, 'ssh-ed25519 first-content\n', { mode: 0o600 });
  const phase = phaseOf(await environmentOf(folder, lines));
  const first = await inputsOf(phase);
  expect(await inputsOf(phase)).toEqual(first);
  expect(JSON.stringify(first)).not.toContain('content');
  await writeFile(secret, 'ssh-ed25519 second-content\n');
  const second = await inputsOf(phase);
  expect(second).not.toEqual(first);
  await rm(secret);
  expect(await inputsOf(phase)).not.toEqual(second);
});

test('another list of names is another key of media, and a recipe without media has none', async () => {
  const names = path.join(folder, 'names.csv');
  const context = { buildId: 'demo', record: undefined, signal: new AbortController().signal };
  await writeFile(names, 'A,one\n');
  const phase = mediaPhase(await environmentOf(folder, 'media: { hostname: { names: names.csv } }\n'));
  expect(await phase.skip?.(context)).toBeUndefined();
  const first = await inputsOf(phase);
  expect(await inputsOf(phase)).toEqual(first);
  await writeFile(names, 'A,other\n');
  expect(await inputsOf(phase)).not.toEqual(first);

  const without = mediaPhase(await environmentOf(folder));
  expect(await without.skip?.(context)).toBe('not requested');
});

const cpu = (model: string, mhz: string): string =>
  `processor\t: 0\nvendor_id\t: V\nmodel name\t: ${model}\ncpu MHz\t\t: ${mhz}\nflags\t\t: fpu\n\nprocessor\t: 1\ncpu MHz: 1\n`;

test('a machine that was saved under KVM belongs to one kind of processor; an emulated one to none', async () => {
  const kvmDevice = path.join(folder, 'kvm');
  const cpuInfo = path.join(folder, 'cpuinfo');
  const inputs = async (accelerator: string): Promise<unknown> =>
    inputsOf(
      vmSetupPhase(
        await environmentOf(folder, `vm: { accelerator: ${accelerator} }\n`, { kvmDevice, cpuInfo }),
      ),
    );
  await writeFile(cpuInfo, cpu('A', '1000'));
  const emulated = await inputs('auto');
  await writeFile(cpuInfo, cpu('B', '1000'));
  expect(await inputs('auto')).toEqual(emulated);

  await writeFile(kvmDevice, '');
  const b = await inputs('auto');
  expect(b).not.toEqual(emulated);
  await writeFile(cpuInfo, cpu('B', '2000'));
  expect(await inputs('auto')).toEqual(b);
  await writeFile(cpuInfo, cpu('C', '2000'));
  expect(await inputs('auto')).not.toEqual(b);
  expect(await inputs('tcg')).toMatchObject({ host: null });
});

test('a compressed FFU is another key of capture; that it is not compressed, said or not, is none', async () => {
  const key = async (ffu: string): Promise<unknown> =>
    inputsOf(capturePhase(await environmentOf(folder, `capture: { formats: [ffu]${ffu} }\n`)));
  const plain = await key('');
  expect(await key(', ffu: { compress: false }')).toEqual(plain);
  expect(await key(', ffu: { compress: true }')).not.toEqual(plain);
});
