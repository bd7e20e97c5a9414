/** Of a page's header (SPC-4, 7.8.1): what kind of device, which page, and how many bytes follow. */
const headerBytes = 4;
const unitSerialNumber = 0x80;

/**
 * The serial number in a SCSI disk's page of vital product data about it, as `device/vpd_pg80` of sysfs has it.
 * Undefined for another page, a cut one, and one that says nothing. What is no printable ASCII counts as blank.
 */
export function vpdSerial(page: Uint8Array): string | undefined {
  const [, code, high, low] = page;
  if (code !== unitSerialNumber || high === undefined || low === undefined) return undefined;
  // A length beyond the end is no reason to read there.
  const text = Buffer.from(page.subarray(headerBytes, headerBytes + ((high << 8) | low))).toString('latin1');
  return text.replace(/[^ -~]/g, ' ').trim() || undefined;
}
