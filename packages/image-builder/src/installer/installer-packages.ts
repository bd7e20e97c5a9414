/** Packages that the installer's programs, its boot loader and its kernel come from; libraries come with them. */
const programPackages: readonly string[] = [
  'busybox-static',
  'coreutils',
  'e2fsprogs',
  'fdisk',
  'systemd-boot-efi',
  'util-linux',
  'zstd',
];

/**
 * Names of the packages that an installer is made of; their whole closure is wanted, since libraries are looked for in
 * it. Sorted, no name twice. Pure.
 *
 * @param kernel package of the installer's kernel, as `linux-image-amd64`
 * @param firmware further packages, whose files below `/lib/firmware` go into the installer
 */
export function installerPackages(kernel: string, firmware: readonly string[]): string[] {
  return [...new Set([...programPackages, kernel, ...firmware])].sort();
}
