import { constants } from 'node:fs';
import { access, copyFile, rename, rm } from 'node:fs/promises';
import { FirmwareMissingError } from '../errors.ts';

/** UEFI firmware: code that is never written, and the template of its variable store. */
export interface Firmware {
  readonly codePath: string;
  readonly variablesTemplatePath: string;
}

/** Debian's, then Fedora's and Arch's places. Code and variables have to be of the same size class. */
const PLACES: readonly Firmware[] = [
  {
    codePath: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    variablesTemplatePath: '/usr/share/OVMF/OVMF_VARS_4M.fd',
  },
  { codePath: '/usr/share/OVMF/OVMF_CODE.fd', variablesTemplatePath: '/usr/share/OVMF/OVMF_VARS.fd' },
  {
    codePath: '/usr/share/edk2/x64/OVMF_CODE.4m.fd',
    variablesTemplatePath: '/usr/share/edk2/x64/OVMF_VARS.4m.fd',
  },
];

/** The installed UEFI firmware. @throws FirmwareMissingError */
export async function findFirmware(places: readonly Firmware[] = PLACES): Promise<Firmware> {
  for (const place of places) {
    const found = await Promise.all([readable(place.codePath), readable(place.variablesTemplatePath)]);
    if (found.every(Boolean)) return place;
  }
  throw new FirmwareMissingError(places.map((place) => place.codePath));
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** Makes the variable store if it is absent. A half copied one never has its final name. */
export async function ensureVariables(firmware: Firmware, path: string): Promise<void> {
  if (await readable(path)) return;
  const partial = `${path}.partial-${process.pid}`;
  try {
    await copyFile(firmware.variablesTemplatePath, partial);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}
