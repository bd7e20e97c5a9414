const oid = {
  signedData: '06092a864886f70d010702',
  ctl: '06092b0601040182370a01',
  catalogList: '060a2b060104018237' + '0c0101',
  catalogMember: '060a2b060104018237' + '0c0102',
  memberInfo: '060a2b060104018237' + '0c0202',
  indirectData: '060a2b060104018237' + '020104',
  cabData: '060a2b060104018237' + '020119',
  sha1: '06052b0e03021a',
} as const;

const tag = {
  integer: 2,
  octets: 4,
  null: 5,
  bmpString: 0x1e,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

function tlv(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length = content.length;
  const head =
    length < 128
      ? [type, length]
      : length < 256
        ? [type, 0x81, length]
        : [type, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(tag.sequence, ...parts);
const set = (...parts: readonly Uint8Array[]): Uint8Array => tlv(tag.set, ...parts);
const object = (name: keyof typeof oid): Uint8Array => Buffer.from(oid[name], 'hex');

function utcTime(at: Date): Uint8Array {
  const digits = at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return tlv(tag.utcTime, Buffer.from(`${digits}Z`, 'latin1'));
}

/** UTF-16, big-endian. */
function bmpString(text: string): Uint8Array {
  return tlv(tag.bmpString, Buffer.from(text, 'utf16le').swap16());
}

export interface CatalogContent {
  /** SHA-1 of the whole hash table. */
  readonly hashTableSha1: Uint8Array;
  /** 16 bytes, or 17 to make the catalog one byte longer. */
  readonly listId: Uint8Array;
  /** Between 1950 and 2049. */
  readonly createdAt: Date;
}

/**
 * The catalog: a PKCS#7 without signers around a certificate trust list whose one member, `HashTable.blob`, has the digest
 * of the hash table. Its length depends on that of `listId` alone.
 */
export function encodeCatalog({ hashTableSha1, listId, createdAt }: CatalogContent): Uint8Array {
  const noParameters = tlv(tag.null);
  const memberInfo = sequence(
    object('memberInfo'),
    set(
      sequence(
        bmpString('{DE351A42-8E59-11D0-8C47-00C04FC295EE}'),
        tlv(tag.integer, Buffer.from([0x02, 0x00])),
      ),
    ),
  );
  // The value of the type is an SPC link to no file: [2] { [0] "" }.
  const link = tlv(0xa2, tlv(0x80));
  const indirectData = sequence(
    object('indirectData'),
    set(
      sequence(
        sequence(object('cabData'), link),
        sequence(sequence(object('sha1'), noParameters), tlv(tag.octets, hashTableSha1)),
      ),
    ),
  );
  const member = sequence(
    tlv(tag.octets, Buffer.from('HashTable.blob\0', 'utf16le')),
    set(memberInfo, indirectData),
  );
  const list = sequence(
    sequence(object('catalogList')),
    tlv(tag.octets, listId),
    utcTime(createdAt),
    sequence(object('catalogMember'), noParameters),
    sequence(member),
  );
  return sequence(
    object('signedData'),
    tlv(
      0xa0,
      sequence(tlv(tag.integer, Buffer.from([1])), set(), sequence(object('ctl'), tlv(0xa0, list)), set()),
    ),
  );
}

/** Bytes of a catalog with a list id of 16 bytes. */
export const catalogBytes: number = encodeCatalog({
  hashTableSha1: new Uint8Array(20),
  listId: new Uint8Array(16),
  createdAt: new Date(0),
}).length;
