import { copyMatch, damaged } from './cursor.ts';

const name = 'xpress';

/**
 * Plain LZ77 ("XPRESS", RTL format 3) of [MS-XCA] 2.4.4. Fills the whole of `output`; input behind that is ignored.
 * @throws DecompressionError if the input is damaged or ends too early; nothing outside the arrays is read or written
 */
export function decompressXpress(input: Uint8Array, output: Uint8Array): void {
  const inputLength = input.length;
  const outputLength = output.length;
  let from = 0;
  let to = 0;
  let flags = 0;
  let flagCount = 0;
  /** Where the byte lies whose upper half is the next length; 0: none. */
  let halfByte = 0;
  while (to < outputLength) {
    if (flagCount === 0) {
      if (from + 4 > inputLength) damaged(name, 'the input ends inside the flags', from, to);
      flags =
        (input[from] ?? 0) |
        ((input[from + 1] ?? 0) << 8) |
        ((input[from + 2] ?? 0) << 16) |
        ((input[from + 3] ?? 0) << 24);
      from += 4;
      flagCount = 32;
    }
    flagCount -= 1;
    if (((flags >>> flagCount) & 1) === 0) {
      if (from >= inputLength) damaged(name, 'the input ends before a literal', from, to);
      output[to++] = input[from++] ?? 0;
      continue;
    }
    if (from + 2 > inputLength) damaged(name, 'the input ends before the output is full', from, to);
    const match = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
    from += 2;
    const offset = (match >>> 3) + 1;
    let length = match & 7;
    if (length === 7) {
      if (halfByte === 0) {
        if (from >= inputLength) damaged(name, 'the input ends inside a length', from, to);
        length = (input[from] ?? 0) & 15;
        halfByte = from;
        from += 1;
      } else {
        length = (input[halfByte] ?? 0) >>> 4;
        halfByte = 0;
      }
      if (length === 15) {
        if (from >= inputLength) damaged(name, 'the input ends inside a length', from, to);
        length = input[from++] ?? 0;
        if (length === 255) {
          if (from + 2 > inputLength) damaged(name, 'the input ends inside a length', from, to);
          length = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
          from += 2;
          if (length === 0) {
            if (from + 4 > inputLength) damaged(name, 'the input ends inside a length', from, to);
            length =
              ((input[from] ?? 0) |
                ((input[from + 1] ?? 0) << 8) |
                ((input[from + 2] ?? 0) << 16) |
                ((input[from + 3] ?? 0) << 24)) >>>
              0;
            from += 4;
          }
          if (length < 15 + 7) damaged(name, `a long length of ${length}`, from, to);
          length -= 15 + 7;
        }
        length += 15;
      }
      length += 7;
    }
    length += 3;
    if (offset > to) damaged(name, `a match reaches ${offset - to} bytes before the start`, from, to);
    if (length > outputLength - to) damaged(name, `a match of ${length} bytes overruns the output`, from, to);
    copyMatch(output, to, offset, length);
    to += length;
  }
}
