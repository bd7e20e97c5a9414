import { MachineSpecError } from './errors.ts';
import type { MachineSpec } from './machine-spec.ts';

const ID = /^[a-z][a-z0-9_-]{0,19}$/i;
// Names of ours that a disk must not take.
const RESERVED = new Set([
  'qmp',
  'console',
  'vser',
  'scsi',
  'rng',
  'rng0',
  'net0',
  'firmware',
  'variables',
  'cdrom-medium',
]);

/** Refuses what QEMU would refuse later with a worse message, or what would break a guarantee. Pure. */
export function validateSpec(spec: MachineSpec): void {
  if (!Number.isInteger(spec.memoryMiB) || spec.memoryMiB < 1) {
    throw new MachineSpecError('memoryMiB', `it is ${spec.memoryMiB}, expected a whole number of MiB`);
  }
  if (!Number.isInteger(spec.cpus) || spec.cpus < 1) {
    throw new MachineSpecError('cpus', `it is ${spec.cpus}, expected a whole number from 1`);
  }
  const ids = new Set<string>();
  const claim = (field: string, id: string): void => {
    if (!ID.test(id)) {
      throw new MachineSpecError(
        field,
        `"${id}" must be a letter, then up to 19 letters, digits, "-" or "_"`,
      );
    }
    if (RESERVED.has(id) || ids.has(id)) throw new MachineSpecError(field, `"${id}" is taken`);
    ids.add(id);
  };
  spec.disks.forEach((disk, index) => {
    claim(`disks[${index}].id`, disk.id);
    if (disk.backing !== undefined && (disk.format !== 'qcow2' || disk.readOnly === true)) {
      throw new MachineSpecError(`disks[${index}].backing`, 'an overlay has to be a writable qcow2');
    }
    if (spec.restoreFrom !== undefined && disk.format === 'raw' && disk.readOnly !== true) {
      throw new MachineSpecError(
        `disks[${index}]`,
        'a restored machine must write to a new qcow2 overlay, or the frozen disk could not be restored again',
      );
    }
  });
  if (spec.cdrom !== undefined) claim('cdrom.id', spec.cdrom.id);
  spec.channels.forEach((name, index) => {
    if (!/^[\w.-]{1,60}$/.test(name) || spec.channels.indexOf(name) !== index) {
      throw new MachineSpecError(
        `channels[${index}]`,
        `"${name}" must be unique and of letters, digits, ".", "-", "_"`,
      );
    }
  });
}
