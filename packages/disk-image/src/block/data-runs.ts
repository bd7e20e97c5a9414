const grainBytes = 4096;
const zeros = Buffer.alloc(1024 * 1024);

/** The stretches of a piece of at most 1 MiB that hold something else than zeros, in whole grains of 4096 bytes. */
export function dataRuns(piece: Buffer): { start: number; end: number }[] {
  if (piece.equals(zeros.subarray(0, piece.length))) return [];
  const runs: { start: number; end: number }[] = [];
  for (let start = 0; start < piece.length; start += grainBytes) {
    const end = Math.min(start + grainBytes, piece.length);
    // The first byte decides for most grains.
    const isZero = piece[start] === 0 && piece.compare(zeros, 0, end - start, start, end) === 0;
    if (isZero) continue;
    const last = runs.at(-1);
    if (last?.end === start) last.end = end;
    else runs.push({ start, end });
  }
  return runs;
}
