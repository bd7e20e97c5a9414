import { access, readFile, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { receiptNames, type TargetIdentity, type TargetInfo } from '@osforge/flasher';
import * as z from 'zod';
import type { BuildLayout } from '../build/layout.ts';
import { assertOwn } from '../build/ledger-handlers.ts';
import type { UsbSettings } from '../recipe/recipe.ts';

/** Where the user finds the receipts. */
export function receiptFolder({ directory }: Pick<BuildLayout, 'directory'>): string {
  return path.join(directory, 'usb');
}

/** A receipt's signature, of the same kind as that of SHA256SUMS: one public key checks both. */
export const signatureOf = (receipt: string): string => `${receipt}.minisig`;

/** How the targets of a recipe are called: by path or serial number, in the recipe's order. */
function targetIds({ targets, serials }: UsbSettings): string[] {
  return [...targets, ...serials];
}

/** The name of each target's receipt, the same in every run. */
export function receiptNamesOf(usb: UsbSettings): Map<string, string> {
  const ids = targetIds(usb);
  const names = receiptNames(ids);
  return new Map(ids.map((id, index) => [id, names[index] ?? id]));
}

/** The part of a receipt that says what is on which target. Null stands for what JSON leaves out. */
const receiptSchema = z.object({
  version: z.literal(1),
  image: z.object({ sha256: z.string() }),
  target: z.object({
    path: z.string(),
    kind: z.string(),
    sizeBytes: z.number(),
    diskSequence: z.number().optional(),
    serial: z.string().optional(),
    backingFile: z.string().optional(),
    inode: z.string().optional(),
  }),
  verification: z.object({ readBack: z.string() }),
});

type KnownTarget = z.infer<typeof receiptSchema>['target'];

export interface WantedReceipt {
  /** SHA-256 of the disk that is to be on the target. */
  readonly imageSha256: string;
  readonly verified: boolean;
  readonly signed: boolean;
}

/**
 * Whether an earlier run has completed a target, by its receipt. The target itself is not read. One that is not there
 * now was taken out after it was done.
 */
export async function isComplete(
  receipt: string,
  wanted: WantedReceipt,
  target: TargetInfo | undefined,
): Promise<boolean> {
  const found = await readReceipt(receipt);
  if (found === undefined || found.image.sha256 !== wanted.imageSha256) return false;
  if (wanted.verified && found.verification.readBack === 'none') return false;
  if (wanted.signed && !(await exists(signatureOf(receipt)))) return false;
  return target === undefined || isSame(found.target, target.identity);
}

async function readReceipt(file: string): Promise<z.infer<typeof receiptSchema> | undefined> {
  try {
    return receiptSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // None, or one that says nothing: the target is written.
    return undefined;
  }
}

/** Whatever tells one such target from another; a disk without any of it is the same until it is unplugged. */
function isSame(known: KnownTarget, now: TargetIdentity): boolean {
  if (known.kind !== now.kind) return false;
  if (now.kind === 'file') return known.path === now.path && known.inode === now.inode;
  if (known.sizeBytes !== now.sizeBytes) return false;
  if (now.serial !== undefined) return known.serial === now.serial;
  if (now.backingFile !== undefined) return known.backingFile === now.backingFile;
  return known.diskSequence === now.diskSequence;
}

/** Before a target is written: what it held is gone, and no receipt may say otherwise. */
export async function removeReceipt(receipt: string, directory: string): Promise<void> {
  for (const file of [receipt, signatureOf(receipt)]) {
    await assertOwn(file, directory);
    await rm(file, { force: true });
  }
}

/** All receipts of a build that is removed, also those of a phase that failed, which its record does not know. */
export async function removeReceipts(directory: string): Promise<void> {
  const folder = receiptFolder({ directory });
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/\.receipt\.json(\.minisig)?$/.test(name)) continue;
    await assertOwn(path.join(folder, name), directory);
    await rm(path.join(folder, name), { force: true });
  }
  // Something else is in it, or it is gone.
  await rmdir(folder).catch(() => undefined);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
