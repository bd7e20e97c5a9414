import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { InitramfsResult } from '../installer/build-initramfs.ts';
import { installerCommandLine } from './boot-files.ts';

export interface PxeRequest {
  /** Folder to make. */
  readonly folder: string;
  /** Folder of the payload, which is moved into it. */
  readonly payload: string;
  readonly boot: Pick<InitramfsResult, 'kernel' | 'initramfs' | 'networkInitramfs'>;
  /** Of the image. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/** Makes what a boot server hands out: kernel, initramfs with the drivers of network cards, payload, iPXE script. */
export async function makePxe({ folder, payload, boot, name, signal }: PxeRequest): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyFile(boot.kernel, path.join(folder, 'linux'));
  const initrd = path.join(folder, 'initrd.img');
  await copyFile(boot.initramfs, initrd);
  // The kernel looks for the next archive at a multiple of four, and passes over zeros.
  await truncate(initrd, Math.ceil((await stat(initrd)).size / 4) * 4);
  await pipeline(createReadStream(boot.networkInitramfs), createWriteStream(initrd, { flags: 'a' }), {
    signal,
  });
  await writeFile(path.join(folder, 'boot.ipxe'), ipxeScript(name));
  await rename(payload, path.join(folder, 'payload'));
}

/** The script that iPXE runs; everything else is found beside it. Pure. */
export function ipxeScript(name: string): string {
  return [
    '#!ipxe',
    `# Starts the installer of ${name}, which erases a disk of the machine that runs this.`,
    '# Where the payload is: beside this script, unless osforge-payload was set before.',
    'isset ${osforge-payload} || isset ${cwduri} || goto old',
    'isset ${osforge-payload} || set osforge-payload ${cwduri}/payload',
    `kernel linux initrd=initrd.img ${installerCommandLine} osforge.payload=\${osforge-payload}`,
    'initrd initrd.img',
    'boot',
    ':old',
    'echo This iPXE does not tell where a script came from (cwduri, since 2024):',
    'echo set osforge-payload http://SERVER/FOLDER/payload before this script.',
    'exit 1',
    '',
  ].join('\n');
}
