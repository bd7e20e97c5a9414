/** One line that the agent in the build machine said; see `assets/agent.sh` for the protocol. */
export type GuestLine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ok'; readonly command: string }
  | { readonly kind: 'failed'; readonly command: string; readonly text: string }
  | {
      readonly kind: 'app';
      readonly app: string;
      readonly step: string;
      readonly state: 'started' | 'progress' | 'succeeded' | 'failed';
      readonly text: string;
    }
  | { readonly kind: 'log'; readonly text: string };

const states = new Map([
  ['started', 'started'],
  ['progress', 'progress'],
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
] as const);

function isState(text: string): text is 'started' | 'progress' | 'succeeded' | 'failed' {
  return states.has(text as 'started'); // Map.has wants its key type; the test itself is what narrows
}

/** Parses one line. Anything that is not of the protocol is a line of log: the guest is never trusted. */
export function parseGuestLine(line: string): GuestLine {
  if (line === '@ready') return { kind: 'ready' };
  const [word = '', first = '', second = '', third = '', ...rest] = line.split(' ');
  if (word === '@ok' && first !== '') return { kind: 'ok', command: first };
  if (word === '@failed' && first !== '') {
    return { kind: 'failed', command: first, text: line.slice('@failed '.length + first.length).trim() };
  }
  if (word === '@app' && isState(third)) {
    return { kind: 'app', app: first, step: second, state: third, text: rest.join(' ') };
  }
  return { kind: 'log', text: line.startsWith('# ') ? line.slice(2) : line };
}
