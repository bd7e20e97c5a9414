import { expect, test } from 'vitest';
import { parseGuestLine } from '../../src/machine/guest-protocol.ts';

test.each([
  ['@ready', { kind: 'ready' }],
  ['@ok install', { kind: 'ok', command: 'install' }],
  ['@failed install exit status 1', { kind: 'failed', command: 'install', text: 'exit status 1' }],
  [
    '@app nginx packages failed exit status 100',
    { kind: 'app', app: 'nginx', step: 'packages', state: 'failed', text: 'exit status 100' },
  ],
  ['@app nginx install started', { kind: 'app', app: 'nginx', step: 'install', state: 'started', text: '' }],
  ['# Setting up nginx', { kind: 'log', text: 'Setting up nginx' }],
])('%s', (line, expected) => {
  expect(parseGuestLine(line)).toEqual(expected);
});

test.each(['', '@', '@ok', '@app nginx', '@app nginx step exploded', '@readyx', 'plain text', '#x'])(
  'a line that is not of the protocol is only log: %j',
  (line) => {
    expect(parseGuestLine(line)).toEqual({ kind: 'log', text: line });
  },
);
