import { access, rename } from 'node:fs/promises';
import { flushFile } from '@osforge/flush';
import { CheckpointIoError } from './errors.ts';
import type { InvalidReason } from './errors.ts';
import { ledgerEntrySchema } from './record-schema.ts';
import type { LedgerEntry } from './record.ts';

/** A record that did not hold, kept aside for inspection. */
export interface Quarantined {
  /** Where it is now. */
  readonly path: string;
  readonly reason: InvalidReason;
  /** What was wrong: field and what was expected. */
  readonly issues: readonly string[];
  /** Entries taken over into the new record, because what they name may still exist. */
  readonly salvagedLedgerEntries: number;
}

/** Renames `path` to `<path>.<time>.<reason>.quarantine`; nothing is ever deleted or overwritten. */
export async function quarantineFile(path: string, reason: InvalidReason, time: Date): Promise<string> {
  const base = `${path}.${time.toISOString().replaceAll(/[-:.]/g, '')}.${reason}`;
  let target = `${base}.quarantine`;
  try {
    // Under the lock of the build, so nobody takes the name between the look and the rename.
    for (let n = 2; await exists(target); n += 1) target = `${base}.${n}.quarantine`;
    await rename(path, target);
    await flushFile(target);
  } catch (error) {
    throw new CheckpointIoError(path, 'quarantine', { cause: error });
  }
  return target;
}

/**
 * The ledger entries that hold by themselves, out of a record that does not hold as a whole. None where the
 * record is that of another build: what it names belongs to that one.
 */
export function salvageLedger(text: string, reason: InvalidReason): readonly LedgerEntry[] {
  if (reason !== 'schema') return [];
  const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  const ledger: unknown =
    typeof json === 'object' && json !== null && 'ledger' in json ? json.ledger : undefined;
  if (!Array.isArray(ledger)) return [];
  return ledger.flatMap((entry: unknown) => {
    const parsed = ledgerEntrySchema.safeParse(entry);
    return parsed.success ? [parsed.data] : [];
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
