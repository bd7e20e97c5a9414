const packages: Readonly<Record<string, readonly string[]>> = {
  apt: ['apt', 'apt-get', 'apt-cache'],
  'apt-utils': ['apt-ftparchive'],
  'ca-certificates': ['update-ca-certificates'],
  cpio: ['cpio'],
  dosfstools: ['mkfs.vfat', 'mkfs.fat', 'fsck.vfat', 'fsck.fat'],
  dpkg: ['dpkg', 'dpkg-deb', 'dpkg-query'],
  'dpkg-dev': ['dpkg-scanpackages'],
  e2fsprogs: ['mkfs.ext4', 'mke2fs', 'e2fsck', 'fsck.ext4', 'debugfs', 'dumpe2fs', 'tune2fs', 'resize2fs'],
  fdisk: ['sfdisk', 'fdisk'],
  gdisk: ['sgdisk', 'gdisk'],
  gpg: ['gpg'],
  gpgv: ['gpgv'],
  kmod: ['modprobe', 'lsmod'],
  mmdebstrap: ['mmdebstrap'],
  mount: ['mount', 'umount', 'losetup'],
  mtools: ['mformat', 'mcopy', 'mmd', 'mdir', 'mtype', 'minfo', 'mlabel', 'mattrib'],
  openssl: ['openssl'],
  'openssh-client': ['ssh', 'ssh-keygen'],
  perl: ['perl'],
  'qemu-system-x86': ['qemu-system-x86_64', 'qemu-system-i386'],
  'qemu-system-arm': ['qemu-system-aarch64', 'qemu-system-arm'],
  'qemu-utils': ['qemu-img', 'qemu-nbd', 'qemu-io'],
  'squashfs-tools': ['mksquashfs', 'unsquashfs'],
  tar: ['tar'],
  uidmap: ['newuidmap', 'newgidmap'],
  'util-linux': ['setpriv', 'unshare', 'nsenter', 'lsblk', 'blkid', 'findmnt', 'flock', 'fallocate'],
  xorriso: ['xorriso', 'xorrisofs'],
  'xz-utils': ['xz'],
  zstd: ['zstd'],
};

const packageByProgram: ReadonlyMap<string, string> = new Map(
  Object.entries(packages).flatMap(([name, programs]) => programs.map((program) => [program, name] as const)),
);

/** The Debian package that has `program` (a name or a path); undefined if it is not one that osforge uses. */
export function debianPackageOf(program: string): string | undefined {
  return packageByProgram.get(program.slice(program.lastIndexOf('/') + 1));
}
