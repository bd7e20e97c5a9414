import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { readElf } from './elf.ts';
import { InstallerContentError } from './errors.ts';

/** A driver that can be loaded. */
export interface KernelModule {
  /** As modprobe(8) knows it, with `_`. */
  readonly name: string;
  /** Relative to the folder of the kernel's modules, as `kernel/fs/ext4/ext4.ko`. */
  readonly file: string;
  /** Names of the modules that it needs, and of those that it would like to have before it. */
  readonly needs: readonly string[];
  readonly aliases: readonly string[];
}

/** Beginnings of paths below `kernel/`: disks and their controllers, what media are read with, keyboards. */
const storagePlaces: readonly string[] = [
  'arch/x86/crypto/crc32',
  'arch/x86/crypto/crct10dif',
  'crypto/crc',
  'drivers/ata/',
  'drivers/block/loop.ko',
  'drivers/block/virtio_blk.ko',
  'drivers/block/xen-blkfront.ko',
  'drivers/cdrom/',
  'drivers/hid/hid-',
  'drivers/hid/hid.ko',
  'drivers/hid/usbhid/usbhid.ko',
  'drivers/hv/hv_vmbus.ko',
  'drivers/input/serio/hyperv-keyboard.ko',
  'drivers/message/fusion/',
  'drivers/misc/cardreader/',
  'drivers/mmc/',
  'drivers/nvme/host/nvme.ko',
  'drivers/pci/controller/vmd.ko',
  'drivers/scsi/',
  'drivers/usb/host/',
  'drivers/usb/storage/',
  'drivers/virtio/virtio_pci.ko',
  'fs/ext4/',
  'fs/fat/',
  'fs/isofs/',
  'fs/nls/nls_ascii.ko',
  'fs/nls/nls_cp437.ko',
  'fs/nls/nls_iso8859-1.ko',
  'fs/nls/nls_utf8.ko',
];

const networkPlaces: readonly string[] = [
  'drivers/net/ethernet/',
  'drivers/net/hyperv/',
  'drivers/net/mdio/',
  'drivers/net/phy/',
  'drivers/net/usb/',
  'drivers/net/virtio_net.ko',
  'drivers/net/vmxnet3/',
  'drivers/net/xen-netfront.ko',
  'net/packet/',
];

/** Tests, disks that are elsewhere, and what an installer has no use for although it lies in those folders. */
const unwanted =
  /\/(scsi_debug|scsi_transport_iscsi|iscsi_tcp|libiscsi\w*|iscsi_boot_sysfs|be2iscsi|cxgb[34]i|libcxgbi|bnx2\w*|qedi|qedf|fcoe|libfcoe|fnic|osst|st|ch|ses|cqhci-test|hid-(sensor|picolcd|roccat|wiimote|nintendo|sony|playstation|steam|led|cp2112|ft260|mcp2221|wacom|uclogic|thrustmaster|prodikeys|logitech-hidpp-test)[\w-]*)\.ko$/;

export type ModulePurpose = 'storage' | 'network';

/** Whether an installer has a use for a module; `file` as in {@link KernelModule}. Pure. */
export function isWanted(file: string, purpose: ModulePurpose): boolean {
  const places = purpose === 'storage' ? storagePlaces : networkPlaces;
  return places.some((place) => file.startsWith(`kernel/${place}`)) && !unwanted.test(file);
}

/** Reads what the modules in a folder say of themselves. Throws {@link InstallerContentError} for none. */
export async function readKernelModules(folder: string): Promise<KernelModule[]> {
  const modules: KernelModule[] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.ko')) continue;
    const path = join(entry.parentPath, entry.name);
    modules.push(describeModule(relative(folder, path), await readFile(path)));
  }
  if (modules.length === 0)
    throw new InstallerContentError(
      'the kernel package of media.kernel has no uncompressed modules (*.ko): take another kernel',
    );
  return modules.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Pure. */
function describeModule(file: string, content: Uint8Array): KernelModule {
  const facts = (readElf(content).section('.modinfo') ?? Buffer.alloc(0)).toString('latin1').split('\0');
  const all = (key: string): string[] =>
    facts.filter((fact) => fact.startsWith(`${key}=`)).map((fact) => fact.slice(key.length + 1));
  const words = (texts: readonly string[], separator: RegExp): string[] =>
    texts.flatMap((text) => text.split(separator)).filter((word) => word !== '');
  return {
    name: moduleName(basename(file, '.ko')),
    file,
    needs: words(all('depends'), /,/).map(moduleName),
    aliases: all('alias'),
  };
}

function moduleName(text: string): string {
  return text.replaceAll('-', '_');
}

/** The wanted modules with all that they need, ordered by file. What is built into the kernel is not there. Pure. */
export function closure(all: readonly KernelModule[], isRoot: (file: string) => boolean): KernelModule[] {
  const byName = new Map(all.map((module) => [module.name, module]));
  const found = new Map<string, KernelModule>();
  const add = (module: KernelModule): void => {
    if (found.has(module.name)) return;
    found.set(module.name, module);
    for (const name of module.needs) {
      const needed = byName.get(name);
      if (needed !== undefined) add(needed);
    }
  };
  for (const module of all) if (isRoot(module.file)) add(module);
  return [...found.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
}

/**
 * The modules of an initramfs, and those that it lacks for a network. Cards are needed for their addresses too: a host
 * name may be made of one. Pure.
 */
export function chooseModules(
  all: readonly KernelModule[],
  hostnameTemplate = '',
): { storage: KernelModule[]; network: KernelModule[] } {
  const withCards = hostnameTemplate.includes('{mac}');
  const storage = closure(
    all,
    (file) => isWanted(file, 'storage') || (withCards && isWanted(file, 'network')),
  );
  const names = new Set(storage.map(({ name }) => name));
  const network = closure(all, (file) => isWanted(file, 'network'));
  return { storage, network: network.filter(({ name }) => !names.has(name)) };
}

/** `modules.dep`: each module with all that it needs, directly or not; source: modules.dep(5). Pure. */
export function formatDependencies(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  return modules
    .map((module) => {
      const needed = needsOf(module, byName).map(({ file }) => file);
      return `${[`${module.file}:`, ...needed].join(' ')}\n`;
    })
    .join('');
}

/** Those that depend on others first, as depmod(8) writes them. */
function needsOf(module: KernelModule, byName: ReadonlyMap<string, KernelModule>): KernelModule[] {
  const order: KernelModule[] = [];
  const seen = new Set([module.name]);
  const visit = (one: KernelModule): void => {
    for (const name of one.needs) {
      const needed = byName.get(name);
      if (needed === undefined || seen.has(name)) continue;
      seen.add(name);
      visit(needed);
      order.push(needed);
    }
  };
  visit(module);
  return order.reverse();
}

/** `modules.alias`. Pure. */
export function formatAliases(modules: readonly KernelModule[]): string {
  return modules.flatMap(({ name, aliases }) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join('');
}
