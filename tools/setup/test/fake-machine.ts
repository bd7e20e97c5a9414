import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SETUP = join(import.meta.dirname, '..');

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A workspace folder with the real set-up in it, and a PATH on which only the programs are that a test put there.
 * Everything runs as `nobody` where the tests run as root, so that nothing can be installed for real.
 */
export interface FakeMachine {
  readonly root: string;
  /** Puts a shell script on the PATH; `$ROOT` is the workspace folder. */
  program(name: string, script: string): Promise<void>;
  file(path: string, text: string): Promise<void>;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
  remove(): Promise<void>;
}

export async function fakeMachine(): Promise<FakeMachine> {
  const root = await mkdtemp(join(tmpdir(), 'osforge-setup-'));
  await chmod(root, 0o777);
  const path = join(root, 'path');
  await mkdir(path);
  // A copy, because `nobody` may not be allowed into the folder where the tests' own Node is.
  const node = join(root, 'node');
  await copyFile(process.execPath, node);
  await cp(SETUP, join(root, 'tools/setup'), { recursive: true });

  const file = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text, { mode: 0o755 });
  };
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
    spawn(node, [join(root, 'tools/setup/setup.mjs'), ...args], {
      cwd: root,
      env: { PATH: path, ROOT: root, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
    });

  await file('package-lock.json', lock('1.0.0'));
  await file('node_modules/.package-lock.json', lock('1.0.0'));
  for (const name of ['thing', 'other-platform']) await file(`node_modules/${name}/package.json`, '{}');
  // The command is built and linked already.
  for (const name of ['.bin/nx', '.bin/osforge']) await file(`node_modules/${name}`, '#!/bin/sh\n');
  await file('apps/cli/dist/main.js', '');
  const machine: FakeMachine = {
    root,
    file,
    start,
    program: (name, script) => file(`path/${name}`, `#!/bin/sh\n${script}\n`),
    run: (args, env) => outcomeOf(start(args, env)),
    remove: () => rm(root, { recursive: true, force: true }),
  };
  await machine.program('setpriv', 'exec /usr/bin/setpriv "$@"');
  await machine.program('env', 'exec /usr/bin/env "$@"');
  await machine.program('node', `exec ${node} "$@"`);
  return machine;
}

/** A lock file with one dependency. */
export function lock(version: string): string {
  return JSON.stringify({
    packages: {
      '': {},
      'node_modules/thing': { version, integrity: `sha512-${version}` },
      'node_modules/other-platform': { version: '9.9.9', optional: true },
    },
  });
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
  });
}
