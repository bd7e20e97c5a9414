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
