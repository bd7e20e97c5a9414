import { distance } from 'fastest-levenshtein';

/** The candidate that a typing error would turn into `text`; undefined where none is near. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = reachOf(text) + 1;
  for (const candidate of candidates) {
    // The difference in length is a lower bound; it spares most of a package index.
    if (Math.abs(candidate.length - text.length) >= bestDistance) continue;
    const apart = distance(text.toLowerCase(), candidate.toLowerCase());
    if (apart < bestDistance) {
      best = candidate;
      bestDistance = apart;
    }
  }
  return best;
}

/** The nearest candidates, best first, at most `limit`. */
export function nearestNames(text: string, candidates: Iterable<string>, limit = 3): string[] {
  const reach = reachOf(text);
  const found: { name: string; apart: number }[] = [];
  for (const name of candidates) {
    if (Math.abs(name.length - text.length) > reach) continue;
    const apart = distance(text, name);
    if (apart <= reach) found.push({ name, apart });
  }
  return found
    .sort(
      (a, b) =>
        a.apart - b.apart ||
        Number(sameLetters(b.name, text)) - Number(sameLetters(a.name, text)) ||
        (a.name < b.name ? -1 : 1),
    )
    .slice(0, limit)
    .map(({ name }) => name);
}

/** Swapped letters are the likeliest of the errors that count as two changes. */
function sameLetters(a: string, b: string): boolean {
  return a.length === b.length && Array.from(a).sort().join() === Array.from(b).sort().join();
}

/** How many changes still look like a typing error; two letters swapped count as two changes. */
function reachOf(text: string): number {
  return text.length < 4 ? 1 : Math.max(2, Math.floor(text.length / 3));
}
