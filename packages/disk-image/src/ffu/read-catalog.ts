/** What a catalog says; `problem` where it cannot be read, which is no reason to refuse the file. */
export interface CatalogReading {
  readonly signed: boolean;
  /** Of the hash table. */
  readonly digest?: { readonly algorithm: 'sha1' | 'sha256'; readonly value: Uint8Array };
  readonly problem?: string;
}

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

const maxElements = 20_000;
const maxDepth = 24;
const indirectData = '2b060104018237020104';
const algorithms: ReadonlyMap<string, 'sha1' | 'sha256'> = new Map([
  ['2b0e03021a', 'sha1'],
  ['608648016503040201', 'sha256'],
]);

class CatalogProblem extends Error {}

/** Reads a PKCS#7 with a certificate trust list (DER); bounded in depth and number of elements. */
export function readCatalog(catalog: Uint8Array): CatalogReading {
  const bytes = Buffer.from(catalog.buffer, catalog.byteOffset, catalog.byteLength);
  try {
    const [outer] = elements(bytes, 0, bytes.length);
    const wrapped = outer === undefined ? undefined : elements(bytes, outer.start, outer.end)[1];
    const signedData = wrapped === undefined ? undefined : elements(bytes, wrapped.start, wrapped.end)[0];
    if (signedData === undefined) return { signed: false, problem: 'no signed data in the catalog' };
    const signers = elements(bytes, signedData.start, signedData.end).at(-1);
    const signed = signers?.tag === 0x31 && signers.end > signers.start;
    const budget = { left: maxElements };
    const digest = findDigest(bytes, signedData, 0, budget);
    return digest === undefined ? { signed, problem: 'no digest in the catalog' } : { signed, digest };
  } catch (error) {
    if (error instanceof CatalogProblem) return { signed: false, problem: error.message };
    throw error;
  }
}

/** The elements side by side in a range. */
function elements(bytes: Buffer, from: number, to: number): Element[] {
  const found: Element[] = [];
  for (let at = from; at < to;) {
    const element = elementAt(bytes, at, to);
    found.push(element);
    if (found.length > maxElements) throw new CatalogProblem('too many elements in the catalog');
    at = element.end;
  }
  return found;
}

function elementAt(bytes: Buffer, at: number, limit: number): Element {
  if (at + 2 > limit) throw new CatalogProblem(`the catalog ends inside an element at byte ${at}`);
  const tag = bytes.readUInt8(at);
  let length = bytes.readUInt8(at + 1);
  let start = at + 2;
  if (length >= 128) {
    const width = length & 127;
    if (width < 1 || width > 4 || start + width > limit)
      throw new CatalogProblem(`a length of ${width} bytes in the catalog at byte ${at}`);
    length = bytes.readUIntBE(start, width);
    start += width;
  }
  if (start + length > limit) throw new CatalogProblem(`an element of the catalog at byte ${at} is cut off`);
  return { tag, start, end: start + length };
}

/** Looks for the indirect data: an object id, then a set of a sequence whose second part is algorithm and digest. */
function findDigest(
  bytes: Buffer,
  parent: Element,
  depth: number,
  budget: { left: number },
): CatalogReading['digest'] {
  if (depth > maxDepth) throw new CatalogProblem('the catalog is nested too deeply');
  const parts = elements(bytes, parent.start, parent.end);
  budget.left -= parts.length;
  if (budget.left < 0) throw new CatalogProblem('too many elements in the catalog');
  const [name, value] = parts;
  if (name?.tag === 6 && value !== undefined && hex(bytes, name) === indirectData) {
    const [content] = elements(bytes, value.start, value.end);
    const info = content === undefined ? undefined : elements(bytes, content.start, content.end)[1];
    const [kind, digest] = info === undefined ? [] : elements(bytes, info.start, info.end);
    const [id] = kind === undefined ? [] : elements(bytes, kind.start, kind.end);
    const algorithm = id?.tag === 6 ? algorithms.get(hex(bytes, id)) : undefined;
    if (algorithm !== undefined && digest?.tag === 4)
      return { algorithm, value: new Uint8Array(bytes.subarray(digest.start, digest.end)) };
  }
  for (const part of parts) {
    // Bit 6: an element that holds elements.
    if ((part.tag & 0x20) === 0) continue;
    const found = findDigest(bytes, part, depth + 1, budget);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hex(bytes: Buffer, { start, end }: Element): string {
  return bytes.toString('hex', start, end);
}
