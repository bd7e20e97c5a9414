import { expect, test } from 'vitest';
import {
  chooseModules,
  closure,
  formatAliases,
  formatDependencies,
  isWanted,
  type KernelModule,
} from '../../src/installer/kernel-modules.ts';

function module(file: string, needs: readonly string[] = [], aliases: readonly string[] = []): KernelModule {
  return { name: file.replace(/^.*\//, '').replace('.ko', '').replaceAll('-', '_'), file, needs, aliases };
}

const all = [
  module('kernel/drivers/ata/ahci.ko', ['libahci', 'libata'], ['pci:v*d*sv*sd*bc01sc06i01*']),
  module('kernel/drivers/ata/libahci.ko', ['libata']),
  module('kernel/drivers/ata/libata.ko', ['scsi_mod', 'built_in']),
  module('kernel/drivers/gpu/big.ko'),
  module('kernel/drivers/net/ethernet/intel/e1000/e1000.ko'),
  module('kernel/drivers/scsi/scsi_mod.ko'),
];

test('what is needed comes with what is wanted, and before it', () => {
  const found = closure(all, (file) => file.endsWith('/ahci.ko'));
  expect(found.map(({ name }) => name)).toEqual(['ahci', 'libahci', 'libata', 'scsi_mod']);
  expect(formatDependencies(found)).toBe(
    [
      'kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko',
      'kernel/drivers/ata/libahci.ko: kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko',
      'kernel/drivers/ata/libata.ko: kernel/drivers/scsi/scsi_mod.ko',
      'kernel/drivers/scsi/scsi_mod.ko:',
      '',
    ].join('\n'),
  );
  expect(formatAliases(found)).toBe('alias pci:v*d*sv*sd*bc01sc06i01* ahci\n');
});

test('network cards are drivers of their own, unless a host name is made of their addresses', () => {
  const names = (modules: readonly KernelModule[]): string[] => modules.map(({ name }) => name);
  const disks = ['ahci', 'libahci', 'libata', 'scsi_mod'];
  const plain = chooseModules(all, 'pc-{serial}');
  expect([names(plain.storage), names(plain.network)]).toEqual([disks, ['e1000']]);
  const named = chooseModules(all, 'pc-{mac}');
  expect([names(named.storage).sort(), names(named.network)]).toEqual([[...disks, 'e1000'].sort(), []]);
});

test('modules that need each other end', () => {
  const ring = [module('kernel/a.ko', ['b']), module('kernel/b.ko', ['a'])];
  expect(closure(ring, () => true)).toHaveLength(2);
  expect(formatDependencies(ring)).toContain('kernel/b.ko');
});

test.each([
  ['kernel/drivers/nvme/host/nvme.ko', 'storage'],
  ['kernel/drivers/usb/storage/uas.ko', 'storage'],
  ['kernel/drivers/scsi/vmw_pvscsi.ko', 'storage'],
  ['kernel/drivers/scsi/hv_storvsc.ko', 'storage'],
  ['kernel/drivers/hid/hid-generic.ko', 'storage'],
  ['kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko', 'network'],
  ['kernel/drivers/net/virtio_net.ko', 'network'],
  ['kernel/drivers/gpu/drm/i915/i915.ko', 'none'],
  ['kernel/drivers/scsi/scsi_debug.ko', 'none'],
  ['kernel/drivers/net/wireless/ath/ath.ko', 'none'],
] as const)('%s is for %s', (file, purpose) => {
  expect(isWanted(file, 'storage')).toBe(purpose === 'storage');
  expect(isWanted(file, 'network')).toBe(purpose === 'network');
});
