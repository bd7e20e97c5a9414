/** A speed in at most eight columns, in powers of ten as sticks are sold: `9.4 MB/s`, `112 MB/s`. */
export function formatSpeed(bytesPerSecond: number): string {
  const megabytes = bytesPerSecond / 1e6;
  return `${megabytes < 9.95 ? megabytes.toFixed(1) : megabytes.toFixed(0)} MB/s`;
}
