const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Partition type GUIDs by their usual names (UEFI 2.10 §5.3.3, UAPI Discoverable Partitions). */
export const partitionTypes: {
  readonly efiSystem: string;
  readonly linuxData: string;
  readonly linuxRootX64: string;
  readonly microsoftBasicData: string;
} = {
  efiSystem: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  linuxData: '0fc63daf-8483-4772-8e79-3d69d8477de4',
  linuxRootX64: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  microsoftBasicData: 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7',
};

export function isGuid(text: string): boolean {
  return pattern.test(text);
}

/** 16 bytes in EFI's mixed order: the first three groups little-endian (UEFI 2.10, appendix A). */
export function guidToBytes(guid: string): Uint8Array {
  const hex = Buffer.from(guid.replaceAll('-', ''), 'hex');
  hex.subarray(0, 4).reverse();
  hex.subarray(4, 6).reverse();
  hex.subarray(6, 8).reverse();
  return hex;
}

/** Lower-case text of 16 bytes in EFI's mixed order. */
export function guidFromBytes(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  const hex = copy.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
