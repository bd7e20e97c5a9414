/** What a terminal can do, decided from the environment alone. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Whether a live view can be drawn: a terminal that understands cursor movement and is not a CI log. */
export function canDraw(env: Env, isTTY: boolean): boolean {
  const ci = env['CI'] ?? '';
  return isTTY && env['TERM'] !== 'dumb' && (ci === '' || ci === 'false' || ci === '0');
}

/**
 * Whether to use colours. FORCE_COLOR decides first (0 or false: no), as in Node.js itself; then NO_COLOR (any
 * value but an empty one: no); then whether it is a terminal.
 */
export function wantsColours(env: Env, isTTY: boolean): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env['NO_COLOR']) return false;
  return isTTY && env['TERM'] !== 'dumb';
}
