import type { MachineDisk, MachineSpec } from '../machine-spec.ts';
import type { Firmware } from './firmware.ts';

/** Where QEMU finds the sockets on which we listen. */
export interface QemuSockets {
  readonly qmp: string;
  /** Common beginning of the names of two pipes. */
  readonly console: string;
  /** In the order of `spec.channels`. */
  readonly channels: readonly string[];
}

export interface QemuArgumentsInput {
  readonly spec: MachineSpec;
  readonly accelerator: 'tcg' | 'kvm';
  readonly sockets: QemuSockets;
  readonly firmware?: Firmware | undefined;
}

const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** QEMU's option parser takes a doubled comma for a plain one. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}

function json(value: object): string {
  return JSON.stringify(value);
}

/** QEMU's command line for a machine. Pure; equal input gives equal devices, which a saved state relies on. */
export function qemuArguments({ spec, accelerator, sockets, firmware }: QemuArgumentsInput): string[] {
  const pflash = firmware === undefined ? '' : ',pflash0=firmware,pflash1=variables';
  return [
    ...['-name', escaped(spec.name)],
    ...['-machine', `q35,usb=off${pflash}`],
    ...['-accel', accelerator],
    ...['-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-m', `${spec.memoryMiB}M`, '-smp', String(spec.cpus)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-S'],
    // A reset and a panic end the machine, so that each has its own verdict.
    ...['-no-reboot', '-action', 'panic=shutdown', '-device', 'pvpanic-pci'],
    ...['-sandbox', SANDBOX],
    ...['-chardev', `socket,id=qmp,path=${escaped(sockets.qmp)},server=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `pipe,id=console,path=${escaped(sockets.console)}`],
    ...['-serial', 'chardev:console'],
    ...(spec.rng === false
      ? []
      : ['-object', 'rng-random,id=rng0,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng0']),
    ...firmwareArguments(spec, firmware),
    ...bootArguments(spec),
    ...spec.disks.flatMap(diskArguments),
    ...cdromArguments(spec),
    ...channelArguments(spec, sockets),
    ...(spec.network === 'user' ? ['-netdev', 'user,id=net0', '-device', 'virtio-net-pci,netdev=net0'] : []),
    ...(spec.restoreFrom === undefined ? [] : ['-incoming', 'defer']),
    ...(spec.extra ?? []),
  ];
}

function firmwareArguments(spec: MachineSpec, firmware: Firmware | undefined): string[] {
  if (firmware === undefined || spec.boot.kind !== 'uefi') return [];
  const file = (filename: string): object => ({ driver: 'file', filename });
  return [
    '-blockdev',
    json({ driver: 'raw', 'node-name': 'firmware', 'read-only': true, file: file(firmware.codePath) }),
    '-blockdev',
    json({ driver: 'raw', 'node-name': 'variables', file: file(spec.boot.variablesPath) }),
  ];
}

function bootArguments({ boot }: MachineSpec): string[] {
  if (boot.kind !== 'kernel') return [];
  return [
    ...['-kernel', boot.kernel],
    ...(boot.initrd === undefined ? [] : ['-initrd', boot.initrd]),
    ...['-append', boot.commandLine],
  ];
}

function diskArguments(disk: MachineDisk, index: number): string[] {
  const { cache = 'writeback', readOnly = false } = disk;
  const caching = { direct: cache === 'none', 'no-flush': cache === 'unsafe' };
  const node = {
    driver: disk.format,
    'node-name': disk.id,
    'read-only': readOnly,
    cache: caching,
    discard: 'unmap',
    'detect-zeroes': readOnly ? 'off' : 'unmap',
    file: { driver: 'file', filename: disk.path, cache: caching, discard: 'unmap' },
  };
  const device = {
    driver: 'virtio-blk-pci',
    id: `device-${disk.id}`,
    drive: disk.id,
    serial: disk.id,
    bootindex: index + 1,
    // An error that the host cannot cure ends the build: the guest stops at once instead of going on damaged.
    ...(readOnly ? {} : { werror: 'stop' }),
    rerror: 'stop',
  };
  return ['-blockdev', json(node), '-device', json(device)];
}

function cdromArguments({ cdrom }: MachineSpec): string[] {
  if (cdrom === undefined) return [];
  const medium =
    cdrom.path === undefined
      ? []
      : [
          '-blockdev',
          json({
            driver: 'raw',
            'node-name': 'cdrom-medium',
            'read-only': true,
            file: { driver: 'file', filename: cdrom.path, 'read-only': true },
          }),
        ];
  const drive = cdrom.path === undefined ? {} : { drive: 'cdrom-medium' };
  return [
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    ...medium,
    ...['-device', json({ driver: 'scsi-cd', id: cdrom.id, bus: 'scsi.0', ...drive })],
  ];
}

function channelArguments({ channels }: MachineSpec, sockets: QemuSockets): string[] {
  if (channels.length === 0) return [];
  return [
    ...['-device', 'virtio-serial-pci,id=vser'],
    ...channels.flatMap((name, index) => [
      '-chardev',
      `socket,id=channel${index},path=${escaped(sockets.channels[index] ?? '')},server=off`,
      '-device',
      json({ driver: 'virtserialport', bus: 'vser.0', nr: index + 1, chardev: `channel${index}`, name }),
    ]),
  ];
}
