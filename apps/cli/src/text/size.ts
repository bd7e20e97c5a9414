const units = ['KiB', 'MiB', 'GiB', 'TiB'];

/** A size in bytes for people: `512 B`, `4.2 KiB`, `312 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 'B';
  for (const larger of units) {
    // 1023.7 would be shown as "1024".
    if (value < 1023.5) break;
    value /= 1024;
    unit = larger;
  }
  return `${unit === 'B' || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}

/** The factors of truncate(1) and qemu-img, which are powers of 1024; "TB" would mean another number to others. */
const factors: ReadonlyMap<string, number> = new Map(
  ['', 'k', 'm', 'g', 't', 'p'].map((letter, index) => [letter, 1024 ** index]),
);

/** Bytes of `2TiB`, `1.5t` or `4096`; undefined for what is no size, or not exact in a number. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,3})?) ?(?:([kmgtp])(?:ib)?|b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number, letter = ''] = match;
  const bytes = Math.round(Number(number) * (factors.get(letter.toLowerCase()) ?? NaN));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
