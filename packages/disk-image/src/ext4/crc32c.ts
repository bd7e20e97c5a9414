const polynomial = 0x82f63b78;

/** Four tables for slicing by four (Intel, "A Systematic Approach to Building High Performance CRC"). */
const tables: readonly Uint32Array[] = (() => {
  const first = new Uint32Array(256);
  for (let index = 0; index < 256; index += 1) {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    first[index] = value >>> 0;
  }
  const all = [first];
  for (let slice = 1; slice < 4; slice += 1) {
    const previous = all[slice - 1] ?? first;
    all.push(previous.map((value) => (first[value & 0xff] ?? 0) ^ (value >>> 8)));
  }
  return all;
})();

/**
 * CRC-32C (Castagnoli) as ext4 uses it: starts from `seed`, and the result is not inverted.
 * The usual CRC-32C of a text is `~crc32c(0xffffffff, text) >>> 0`.
 */
export function crc32c(seed: number, bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = tables;
  let crc = seed >>> 0;
  // The tables always exist; the test only satisfies the type.
  if (t0 === undefined || t1 === undefined || t2 === undefined || t3 === undefined) return crc;
  let index = 0;
  const whole = bytes.length - (bytes.length % 4);
  for (; index < whole; index += 4) {
    crc ^=
      (bytes[index] ?? 0) |
      ((bytes[index + 1] ?? 0) << 8) |
      ((bytes[index + 2] ?? 0) << 16) |
      ((bytes[index + 3] ?? 0) << 24);
    crc =
      (t3[crc & 0xff] ?? 0) ^
      (t2[(crc >>> 8) & 0xff] ?? 0) ^
      (t1[(crc >>> 16) & 0xff] ?? 0) ^
      (t0[crc >>> 24] ?? 0);
  }
  for (; index < bytes.length; index += 1) crc = (t0[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc >>> 0;
}
