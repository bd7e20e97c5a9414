/** LZ77+Huffman without matches: all 512 symbols have codes of 9 bits, which are then the symbols themselves. */
export function encodeHuffman(plain: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < plain.length; start += 65_536) {
    const chunk = plain.subarray(start, start + 65_536);
    const bits: number[] = [];
    const put = (symbol: number): void => {
      for (let bit = 8; bit >= 0; bit -= 1) bits.push((symbol >> bit) & 1);
    };
    chunk.forEach(put);
    if (start + 65_536 >= plain.length) put(256);
    // The decoder is always one word ahead: where the next chunk begins depends on it.
    const words = Buffer.alloc(2 * (Math.ceil(bits.length / 16) + 1));
    bits.forEach((bit, index) => {
      const at = 2 * Math.floor(index / 16);
      words.writeUInt16LE(words.readUInt16LE(at) | (bit << (15 - (index % 16))), at);
    });
    parts.push(Buffer.alloc(256, 0x99), words);
  }
  return Buffer.concat(parts);
}

/** LZNT1: chunks with a few matches where the last three bytes are repeated, else stored. */
export function encodeLznt1(plain: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < plain.length; start += 4096) {
    const chunk = plain.subarray(start, start + 4096);
    const packed = packChunk(chunk);
    const stored = packed.length >= chunk.length;
    const body = stored ? Buffer.from(chunk) : packed;
    const header = Buffer.alloc(2);
    header.writeUInt16LE((stored ? 0x3000 : 0xb000) | (body.length - 1));
    parts.push(header, body);
  }
  return Buffer.concat(parts);
}

function packChunk(chunk: Uint8Array): Buffer {
  const out: number[] = [];
  let flagsAt = -1;
  let count = 8;
  const flag = (bit: number): void => {
    if (count === 8) {
      flagsAt = out.push(0) - 1;
      count = 0;
    }
    out[flagsAt] = (out[flagsAt] ?? 0) | (bit << count);
    count += 1;
  };
  for (let at = 0; at < chunk.length;) {
    let lengthBits = 12;
    for (let position = at - 1; position >= 16; position >>= 1) lengthBits -= 1;
    const longest = Math.min((1 << lengthBits) + 2, chunk.length - at);
    let best = 0;
    let distance = 0;
    for (let back = 1; back <= Math.min(at, 64, 1 << (16 - lengthBits)); back += 1) {
      let same = 0;
      while (same < longest && chunk[at + same - back] === chunk[at + same]) same += 1;
      if (same > best) [best, distance] = [same, back];
    }
    if (best >= 3) {
      flag(1);
      const token = ((distance - 1) << lengthBits) | (best - 3);
      out.push(token & 255, token >> 8);
      at += best;
    } else {
      flag(0);
      out.push(chunk[at] ?? 0);
      at += 1;
    }
  }
  return Buffer.from(out);
}
