/** Cuts text that comes in pieces into lines. */
export interface LineSplitter {
  push(text: string): string[];
  /** The last line, if it had no line end. */
  end(): string[];
}

/**
 * A line ends at LF, CR LF, or CR alone (progress displays such as that of `qemu-img convert -p`). A line
 * longer than `maxLineLength` UTF-16 units is handed out in pieces of that length, so that output without a
 * line end needs no more memory than that; nothing of it is lost.
 */
export function splitLines(maxLineLength: number): LineSplitter {
  let rest = '';
  let afterCarriageReturn = false;

  const cut = (lines: string[], text: string): string => {
    let from = 0;
    while (text.length - from > maxLineLength) {
      let until = from + maxLineLength;
      // Never cut a surrogate pair.
      const unit = text.charCodeAt(until - 1);
      if (unit >= 0xd800 && unit <= 0xdbff && maxLineLength > 1) until -= 1;
      lines.push(text.slice(from, until));
      from = until;
    }
    return from === 0 ? text : text.slice(from);
  };

  return {
    push(text) {
      const lines: string[] = [];
      let from = 0;
      if (afterCarriageReturn && text.startsWith('\n')) from = 1;
      if (text !== '') afterCarriageReturn = false;
      const ends = /\r\n|\n|\r/g;
      ends.lastIndex = from;
      for (let match = ends.exec(text); match !== null; match = ends.exec(text)) {
        lines.push(cut(lines, rest + text.slice(from, match.index)));
        rest = '';
        from = match.index + match[0].length;
        afterCarriageReturn = match[0] === '\r' && from === text.length;
      }
      rest = cut(lines, rest + text.slice(from));
      return lines;
    },
    end() {
      const last = rest === '' ? [] : [rest];
      rest = '';
      return last;
    },
  };
}
