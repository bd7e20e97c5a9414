import { basename } from 'node:path';

/** A file name for the receipt of each target, in their order: readable, safe, and none twice. */
export function receiptNames(targets: readonly string[]): string[] {
  const taken = new Set<string>();
  return targets.map((target) => {
    const base = basename(target).replace(/[^\w.+:@-]/g, '_') || 'target';
    let name = `${base}.receipt.json`;
    for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}.receipt.json`;
    taken.add(name);
    return name;
  });
}
