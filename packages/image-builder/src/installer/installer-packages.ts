import { programPackages } from './programs.ts';

/** The package of systemd-boot, which starts the installer's kernel. */
export const loaderPackage = 'systemd-boot-efi';

/**
 * Names of the packages that an installer is made of; their whole closure is wanted, since libraries are looked for in
 * it. Sorted, no name twice. Pure.
 *
 * @param kernel package of the installer's kernel, as `linux-image-amd64`
 * @param firmware further packages, whose files below `/lib/firmware` go into the installer
 */
export function installerPackages(kernel: string, firmware: readonly string[]): string[] {
  return [...new Set([...programPackages, loaderPackage, kernel, ...firmware])].sort();
}
