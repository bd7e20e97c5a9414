import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { installerAssets } from '../asset.ts';
import type { CpioEntry } from './cpio.ts';
import { InstallerContentError } from './errors.ts';
import { loaderPackage } from './installer-packages.ts';
import { chooseModules, formatAliases, formatDependencies, readKernelModules } from './kernel-modules.ts';
import type { KernelModule } from './kernel-modules.ts';
import { formatNames, type MachineName } from './names-list.ts';
import { locatePrograms, programPackages } from './programs.ts';
import { formatSettings, type InstallerSettings } from './settings.ts';
import { sharedLibraries } from './shared-libraries.ts';
import { archiveOf, packageName, unpackArchive, unpackKernel } from './unpack-archives.ts';
import { writeArchive } from './write-archive.ts';

export type { MachineName };

export interface InitramfsRequest {
  /** Absolute paths of the `.deb` files of `installerPackages` and all that they need; files not needed are not used. */
  readonly archives: readonly string[];
  /** Names of those packages whose `/lib/firmware` goes in. */
  readonly firmware: readonly string[];
  /** Folder, which is there, for the four files. */
  readonly target: string;
  readonly settings: InstallerSettings;
  /** Content of `/osforge/parts.tsv`. */
  readonly partsTsv: string;
  /** The list of host names; empty where there is none. */
  readonly names: readonly MachineName[];
  /** Time stamp of everything in the archives, in seconds since 1970. */
  readonly epochSeconds: number;
  /** A folder, which is there, for what is unpacked; it is left as it was found. */
  readonly temporaryDirectory: string;
  readonly signal: AbortSignal;
}

/** Absolute paths, in the target folder. */
export interface InitramfsResult {
  /** `linux` */
  readonly kernel: string;
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
  /** `initrd.img` */
  readonly initramfs: string;
  /** `network.img`, drivers of network cards: given to the kernel behind `initramfs`, by PXE only. */
  readonly networkInitramfs: string;
  /** `systemd-bootx64.efi` */
  readonly loader: string;
}

/**
 * Makes kernel, initramfs and loader of an installer. Needs no root, and runs nothing of the packages; equal input gives
 * equal bytes. Throws {@link InstallerContentError} where the packages lack something, `InstallerSettingsError`, and the
 * errors of `@osforge/process`.
 */
export async function buildInitramfs(request: InitramfsRequest): Promise<InitramfsResult> {
  const { target, signal, epochSeconds } = request;
  const work = await mkdtemp(join(request.temporaryDirectory, 'installer-'));
  try {
    const configuration = configurationFiles(request);
    const kernel = await unpackedKernel(request, work);
    const programs = await programFiles(request, work);
    const firmware = await firmwareFiles(request, work);
    const result: InitramfsResult = {
      kernel: join(target, 'linux'),
      kernelRelease: kernel.release,
      initramfs: join(target, 'initrd.img'),
      networkInitramfs: join(target, 'network.img'),
      loader: join(target, 'systemd-bootx64.efi'),
    };
    const { storage, network } = chooseModules(kernel.modules, request.settings.hostnameTemplate);
    await writeArchive(
      result.initramfs,
      [
        ...(await scriptFiles()),
        ...baseEntries,
        ...configuration,
        ...programs,
        ...firmware,
        ...moduleFiles(kernel, storage),
        ...moduleTables(kernel, storage),
      ],
      { epochSeconds, signal },
    );
    await writeArchive(
      result.networkInitramfs,
      // Unpacked over the first one: its tables tell of the modules of both.
      [...moduleFiles(kernel, network), ...moduleTables(kernel, [...storage, ...network])],
      { epochSeconds, signal },
    );
    await copyFile(kernel.image, result.kernel);
    await copyFile(await unpackedLoader(request, work), result.loader);
    return result;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface UnpackedKernel {
  readonly release: string;
  readonly image: string;
  readonly moduleFolder: string;
  readonly modules: readonly KernelModule[];
}

async function unpackedKernel({ archives, signal }: InitramfsRequest, work: string): Promise<UnpackedKernel> {
  // The package that a recipe names, as linux-image-amd64, only depends on the one of the day's kernel.
  const archive = archiveOf(archives, (name) => /^linux-image-\d/.test(name), 'kernel (linux-image-VERSION)');
  const folder = join(work, 'kernel');
  await unpackKernel(archive, folder, signal);
  const images = await readdir(join(folder, 'boot'));
  const [image] = images;
  if (image === undefined || images.length > 1)
    throw new InstallerContentError(`${packageName(archive)} has ${images.length} kernels, not one`);
  const release = image.replace(/^vmlinuz-/, '');
  const moduleFolder = join(folder, 'lib/modules', release);
  return {
    release,
    image: join(folder, 'boot', image),
    moduleFolder,
    modules: await readKernelModules(moduleFolder),
  };
}

async function unpackedLoader({ archives, signal }: InitramfsRequest, work: string): Promise<string> {
  const folder = join(work, loaderPackage);
  const archive = archiveOf(archives, (name) => name === loaderPackage, `package ${loaderPackage}`);
  await unpackArchive(archive, folder, signal);
  return join(folder, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi');
}

function moduleFiles(
  { release, moduleFolder }: UnpackedKernel,
  modules: readonly KernelModule[],
): CpioEntry[] {
  return modules.map(({ file }) => ({
    kind: 'file',
    path: `usr/lib/modules/${release}/${file}`,
    executable: false,
    content: () => readFile(join(moduleFolder, file)),
  }));
}

function moduleTables({ release }: UnpackedKernel, modules: readonly KernelModule[]): CpioEntry[] {
  const folder = `usr/lib/modules/${release}`;
  return [
    textFile(`${folder}/modules.dep`, formatDependencies(modules)),
    textFile(`${folder}/modules.alias`, formatAliases(modules)),
  ];
}

async function programFiles({ archives, signal }: InitramfsRequest, work: string): Promise<CpioEntry[]> {
  const treeOf = (name: string): string => join(work, 'programs', name);
  for (const name of programPackages) {
    const archive = archiveOf(archives, (one) => one === name, `package ${name}`);
    await unpackArchive(archive, treeOf(name), signal);
  }
  const libraryTree = join(work, 'libraries');
  // By Debian's rules for their names; what else has libraries is for other programs.
  for (const archive of archives.filter((one) => /^(lib|zlib)/.test(packageName(one))).sort())
    await unpackArchive(archive, libraryTree, signal);
  const programs = await locatePrograms(treeOf);
  const libraries = await sharedLibraries(
    [...programs.values()],
    [libraryTree, ...programPackages.map(treeOf)],
  );
  return [
    ...[...programs].map(([name, path]) => programFile(`usr/bin/${name}`, path)),
    ...[...libraries].map(([name, path]) =>
      programFile(`usr/${name.startsWith('ld-') ? 'lib64' : 'lib'}/${name}`, path),
    ),
  ];
}

async function firmwareFiles(
  { archives, firmware, signal }: InitramfsRequest,
  work: string,
): Promise<CpioEntry[]> {
  const files = new Map<string, CpioEntry>();
  for (const name of firmware) {
    const tree = join(work, 'firmware', name);
    await unpackArchive(
      archiveOf(archives, (one) => one === name, `package ${name}`),
      tree,
      signal,
    );
    for (const place of ['lib/firmware', 'usr/lib/firmware']) {
      const folder = join(tree, place);
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        const source = join(entry.parentPath, entry.name);
        // A link to a file is as good as the file: the kernel follows it, and so do we.
        if (!entry.isFile() && !entry.isSymbolicLink()) continue;
        const path = `usr/lib/firmware/${relative(folder, source)}`;
        const content = await readFile(source).catch(() => undefined);
        if (content !== undefined) files.set(path, { kind: 'file', path, executable: false, content });
      }
    }
  }
  return [...files.values()];
}

async function scriptFiles(): Promise<CpioEntry[]> {
  return (await installerAssets()).map((path) =>
    basename(path) === 'init.sh' ? programFile('init', path) : programFile(`osforge/${basename(path)}`, path),
  );
}

function configurationFiles({ settings, partsTsv, names }: InitramfsRequest): CpioEntry[] {
  return [
    textFile('osforge/settings', formatSettings(settings)),
    textFile('osforge/parts.tsv', partsTsv),
    ...(names.length === 0 ? [] : [textFile('osforge/names.tsv', formatNames(names))]),
  ];
}

/** Folders that things are mounted on, and the names under which the kernel and scripts look for programs. */
const baseEntries: readonly CpioEntry[] = [
  ...['dev', 'medium', 'proc', 'run', 'sys', 'target', 'tmp'].map((path): CpioEntry => ({
    kind: 'folder',
    path,
  })),
  // The kernel gives /init its console before anything is mounted.
  { kind: 'character-device', path: 'dev/console', major: 5, minor: 1 },
  ...['bin', 'lib', 'lib64', 'sbin'].map((path): CpioEntry => ({
    kind: 'link',
    path,
    target: path === 'sbin' || path === 'bin' ? 'usr/bin' : `usr/${path}`,
  })),
  { kind: 'link', path: 'usr/sbin', target: 'bin' },
  { kind: 'link', path: 'usr/bin/sh', target: 'busybox' },
  { kind: 'link', path: 'usr/bin/modprobe', target: 'busybox' },
];

function textFile(path: string, text: string): CpioEntry {
  return { kind: 'file', path, executable: false, content: Buffer.from(text) };
}

function programFile(path: string, source: string): CpioEntry {
  return { kind: 'file', path, executable: true, content: () => readFile(source) };
}
