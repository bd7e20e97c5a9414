/**
 * A placeholder that shows the shape; the first real export takes its place.
 *
 * @param name who is greeted; not empty
 * @returns one line without a line end
 * @throws RangeError when the name is empty
 */
export function flasherGreeting(name: string): string {
  if (name === '') throw new RangeError('name is empty: pass who is to be greeted');
  return `flasher greets ${name}`;
}
