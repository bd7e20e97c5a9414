import type { EspFile } from '@osforge/disk-image';
import type { InitramfsResult } from '../installer/build-initramfs.ts';

/** What the installer's kernel is told: a screen and the first serial port are consoles, the screen the main one. */
export const installerCommandLine: string = 'console=ttyS0,115200 console=tty0 quiet';

/** What the EFI system partition of a medium needs to start the installer. */
export function bootFiles(
  { kernel, initramfs, loader }: Pick<InitramfsResult, 'kernel' | 'initramfs' | 'loader'>,
  { name }: { readonly name: string },
): EspFile[] {
  return [
    { path: 'EFI/BOOT/BOOTX64.EFI', from: loader },
    {
      path: 'loader/loader.conf',
      content: Buffer.from('timeout 3\ndefault install.conf\nconsole-mode keep\n'),
    },
    {
      path: 'loader/entries/install.conf',
      content: Buffer.from(
        [
          `title Install ${name} (erases a disk)`,
          'linux /osforge/linux',
          'initrd /osforge/initrd.img',
          `options ${installerCommandLine}`,
          '',
        ].join('\n'),
      ),
    },
    { path: 'osforge/linux', from: kernel },
    { path: 'osforge/initrd.img', from: initramfs },
  ];
}
