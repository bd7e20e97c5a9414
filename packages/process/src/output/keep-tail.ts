/** Keeps the end of a text that comes in pieces. */
export interface Tail {
  push(text: string): void;
  text(): string;
  /** How many bytes (UTF-8) of the beginning were dropped. */
  droppedBytes(): number;
}

/** The first position from `at` on where a UTF-8 character starts. */
function characterStart(bytes: Buffer, at: number): number {
  let position = at;
  while (position < bytes.length && ((bytes[position] ?? 0) & 0xc0) === 0x80) position += 1;
  return position;
}

/** Keeps the last `maxBytes` bytes of UTF-8, cut between characters. */
export function keepTail(maxBytes: number): Tail {
  let pieces: Buffer[] = [];
  let kept = 0;
  let dropped = 0;

  const trim = (): void => {
    const all = Buffer.concat(pieces);
    const from = characterStart(all, Math.max(0, all.length - maxBytes));
    dropped += from;
    // A copy, so that the larger buffer can be freed.
    pieces = [Buffer.from(all.subarray(from))];
    kept = all.length - from;
  };

  return {
    push(text) {
      const bytes = Buffer.from(text, 'utf8');
      pieces.push(bytes);
      kept += bytes.length;
      // Trimmed at twice the size only: the cost of copying stays proportional to what is written.
      if (kept > 2 * maxBytes) trim();
    },
    text() {
      if (kept > maxBytes) trim();
      return Buffer.concat(pieces).toString('utf8');
    },
    droppedBytes: () => dropped + Math.max(0, kept - maxBytes),
  };
}
