import { basename } from 'node:path';
import type { TargetInfo } from './inspect-target.ts';

/** What a person has to read and to type before a target is overwritten. Showing and asking is the caller's part. */
export interface TargetConfirmation {
  /** One line: path, vendor and model, size, serial. */
  readonly description: string;
  /** What to type: the end of the serial if there is one, for it cannot be typed by habit; else the device's name. */
  readonly word: string;
}

/** Words for the confirmation of a target. */
export function confirmationOf({ identity, transport }: TargetInfo): TargetConfirmation {
  const { path, vendor, model, serial, sizeBytes, backingFile } = identity;
  const parts = [
    path,
    [vendor, model].filter((part) => part !== undefined).join(' ') || undefined,
    backingFile === undefined ? undefined : `(${backingFile})`,
    identity.kind === 'file' ? 'file' : `${(sizeBytes / 1e9).toFixed(1)} GB`,
    transport === undefined || transport === 'file' ? undefined : transport,
    serial === undefined ? undefined : `serial ${serial}`,
  ];
  return {
    description: parts.filter((part) => part !== undefined).join(', '),
    word: serial === undefined ? basename(path) : serial.slice(-6),
  };
}
