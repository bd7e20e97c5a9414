import type { TargetProblemKind } from '../errors.ts';

const remedies: Readonly<Record<TargetProblemKind, string>> = {
  missing: 'Plug it in, or correct the name.',
  'not-a-disk': 'Give a disk, a loop device or a file.',
  partition: 'Give the whole disk; a partition is taken only where that is allowed on purpose.',
  system: 'This machine runs from it: choose another target.',
  mounted: 'Unmount it first, all of its partitions.',
  swap: 'Take it out of use first (swapoff).',
  held: 'Take apart what is built on it first (dmsetup, mdadm or lvm).',
  'backing-file': 'Give the loop device, or detach it first (losetup --detach).',
  'holds-source': 'The image is on it: choose another target.',
  duplicate: 'Name each target once.',
  'read-only': 'Move its write-protect switch, or take another one.',
  'too-small': 'Take a larger one.',
  'sector-size':
    'Take a disk with the sectors of the image, or make the image for those of the disk: a system would not find its partitions.',
  unreadable: 'Run it as root, or as a user who may write to it.',
};

/** What a person can do about a problem of this kind, as a sentence. */
export function remedyOf(kind: TargetProblemKind): string {
  return remedies[kind];
}
