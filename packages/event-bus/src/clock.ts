/** Turns milliseconds since 1970 into ISO 8601; many events share a millisecond, so the last text is kept. */
export function createTimestamp(now: () => number): () => string {
  let last = Number.NaN;
  let text = '';
  return () => {
    const time = now();
    if (time !== last) {
      last = time;
      text = new Date(time).toISOString();
    }
    return text;
  };
}
