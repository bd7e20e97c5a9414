import type { DiskIdentifiers } from '../build/identifiers.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** A file of the image that the builder writes itself. */
export interface SettingsFile {
  /** Relative to the image's root. */
  readonly path: string;
  readonly content: string;
  /** Permission bits; default 0o644. */
  readonly mode?: number;
}

/** Packages that a bootable image of this recipe needs, besides Debian's essential set. */
export function basePackages(recipe: Recipe): string[] {
  const { system, users } = recipe;
  return [
    ...new Set([
      'apt',
      'systemd-sysv',
      'systemd-boot',
      'systemd-resolved',
      'systemd-timesyncd',
      'udev',
      'dbus',
      'e2fsprogs',
      'iproute2',
      'zstd',
      system.kernel,
      ...(users.some((user) => user.sudo) ? ['sudo'] : []),
      ...(/^(C|POSIX)(\.|$)/.test(system.locale) ? [] : ['locales']),
      ...(system.timezone === 'Etc/UTC' ? [] : ['tzdata']),
      ...system.packages,
    ]),
  ];
}

/** Kernel arguments of the finished image; the serial console comes last and is therefore `/dev/console`. */
export function kernelCommandLine(recipe: Recipe, identifiers: DiskIdentifiers): string {
  const console = recipe.system.kernelCommandLine.some((argument) => argument.startsWith('console='))
    ? []
    : ['console=tty0', 'console=ttyS0,115200'];
  return [`root=PARTUUID=${identifiers.root}`, 'ro', ...console, ...recipe.system.kernelCommandLine].join(
    ' ',
  );
}

/** The settings files of an image. `aptSources` is the content of its own deb822 sources file. */
export function settingsFiles(
  recipe: Recipe,
  identifiers: DiskIdentifiers,
  aptSources: string,
): SettingsFile[] {
  const { hostname, locale, timezone } = recipe.system;
  const files: SettingsFile[] = [
    { path: 'etc/hostname', content: `${hostname}\n` },
    {
      path: 'etc/hosts',
      content: `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost ip6-localhost ip6-loopback\n`,
    },
    { path: 'etc/fstab', content: `PARTUUID=${identifiers.root} / ext4 defaults,errors=remount-ro 0 1\n` },
    { path: 'etc/default/locale', content: `LANG=${locale}\n` },
    { path: 'etc/timezone', content: `${timezone}\n` },
    { path: 'etc/apt/sources.list.d/debian.sources', content: aptSources },
    // kernel-install (the hook of later kernel updates) finds its entries by this name, not by a machine id.
    { path: 'etc/kernel/entry-token', content: 'debian\n' },
    { path: 'etc/kernel/cmdline', content: `${kernelCommandLine(recipe, identifiers)}\n` },
    {
      path: 'etc/systemd/network/80-ethernet.network',
      content: '[Match]\nType=ether\nKind=!*\n\n[Network]\nDHCP=yes\n',
    },
    // A machine without a network must not hold its services back for two minutes.
    {
      path: 'etc/systemd/system/systemd-networkd-wait-online.service.d/osforge.conf',
      content:
        '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=15\n',
    },
  ];
  if (!/^(C|POSIX)(\.|$)/.test(locale)) {
    const charset = locale.includes('.') ? (locale.split('.')[1] ?? 'UTF-8').split('@')[0] : 'ISO-8859-1';
    files.push({ path: 'etc/locale.gen.osforge', content: `${locale} ${charset ?? 'UTF-8'}\n` });
  }
  if (recipe.users.some((user) => user.sudo && user.password === undefined)) {
    const names = recipe.users.filter((user) => user.sudo && user.password === undefined);
    files.push({
      path: 'etc/sudoers.d/osforge',
      content: names.map((user) => `${user.name} ALL=(ALL:ALL) NOPASSWD: ALL\n`).join(''),
      mode: 0o440,
    });
  }
  return files;
}

/** The two systemd-boot files of the EFI system partition. */
export function loaderFiles(
  recipe: Recipe,
  identifiers: DiskIdentifiers,
  kernelRelease: string,
): SettingsFile[] {
  return [
    { path: 'loader/loader.conf', content: 'timeout 0\nconsole-mode keep\n' },
    {
      path: `loader/entries/debian-${kernelRelease}.conf`,
      content: [
        `title Debian GNU/Linux 12 (${recipe.name})`,
        `version ${kernelRelease}`,
        `options ${kernelCommandLine(recipe, identifiers)}`,
        `linux /debian/${kernelRelease}/linux`,
        `initrd /debian/${kernelRelease}/initrd.img`,
        '',
      ].join('\n'),
    },
  ];
}
