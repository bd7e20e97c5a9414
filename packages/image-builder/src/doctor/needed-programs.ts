/** A program that a build runs, the Debian package that has it, and what it is for. */
export interface NeededProgram {
  readonly program: string;
  readonly debianPackage: string;
  readonly why: string;
}

export const neededPrograms: readonly NeededProgram[] = [
  { program: 'mmdebstrap', debianPackage: 'mmdebstrap', why: 'puts the Debian system together' },
  { program: 'apt-get', debianPackage: 'apt', why: 'resolves and downloads packages' },
  { program: 'apt-ftparchive', debianPackage: 'apt-utils', why: 'indexes the applications’ own repository' },
  {
    program: 'dpkg-deb',
    debianPackage: 'dpkg',
    why: 'unpacks the installer of deployment media',
  },
  { program: 'dpkg-query', debianPackage: 'dpkg', why: 'tells the versions of the tools for the manifest' },
  { program: 'flock', debianPackage: 'util-linux', why: 'keeps builds that run side by side apart' },
  { program: 'setpriv', debianPackage: 'util-linux', why: 'ends every program together with the build' },
  { program: 'unshare', debianPackage: 'util-linux', why: 'keeps what a build mounts to itself' },
  { program: 'umount', debianPackage: 'mount', why: 'cleans up after a build that was killed' },
  { program: 'tar', debianPackage: 'tar', why: 'packs the files of applications' },
  { program: 'mkfs.ext4', debianPackage: 'e2fsprogs', why: 'makes the root file system from a folder' },
  {
    program: 'mformat',
    debianPackage: 'mtools',
    why: 'writes the EFI system partition, and sticks, without mounting them',
  },
  {
    program: 'xorriso',
    debianPackage: 'xorriso',
    why: 'makes the ISO that takes applications to the machine, and the one that installs the image',
  },
  { program: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86', why: 'runs the build machine' },
  { program: 'qemu-img', debianPackage: 'qemu-utils', why: 'writes the qcow2 and VHDX images' },
];
