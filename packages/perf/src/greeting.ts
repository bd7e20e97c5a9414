/**
 * A placeholder that shows the shape; the first real export takes its place.
 *
 * @param name who is greeted; not empty
 * @returns one line without a line end
 * @throws RangeError when the name is empty
 */
export function perfGreeting(name: string): string {
  if (name === '') throw new RangeError('name is empty: pass who is to be greeted');
  return `perf greets ${name}`;
}
