/** What the sectors of a disk may be, logically. */
const sectorSizes = [512, 4096] as const;
/** Of a GPT header (UEFI 2.10, 5.3.2): up to the number of its own sector. */
const headerStartBytes = 32;
const signature = Buffer.from('EFI PART');

/** So many bytes of a disk's beginning tell. */
export const gptHeadBytes: number = 4096 + headerStartBytes;

/**
 * The sector size that the GPT at the beginning of a disk was made for: its header is in the second sector, and a
 * computer with other sectors looks for it elsewhere. Undefined where there is no GPT, or one for each size.
 */
export function gptSectorBytes(head: Buffer): number | undefined {
  const found = sectorSizes.filter((size) => isPrimaryHeader(head.subarray(size, size + headerStartBytes)));
  return found.length === 1 ? found[0] : undefined;
}

/** The number of its own sector too: the signature alone may be in any data. */
function isPrimaryHeader(bytes: Buffer): boolean {
  return (
    bytes.length === headerStartBytes &&
    bytes.subarray(0, signature.length).equals(signature) &&
    bytes.readBigUInt64LE(24) === 1n
  );
}
