import { expect, test } from 'vitest';
import { vpdSerial } from '../src/targets/vpd-serial.ts';

const page = (text: string, length = text.length, code = 0x80): Buffer =>
  Buffer.concat([Buffer.from([0, code, length >> 8, length & 0xff]), Buffer.from(text, 'latin1')]);

test.each([
  ['a serial number', page('S4X9NF0M'), 'S4X9NF0M'],
  ['one among blanks and other bytes', page(' \u0000 WD-\u00ff12 \n'), 'WD- 12'],
  ['one of more than 255 bytes', page('x'.repeat(300)), 'x'.repeat(300)],
  ['what is behind its length left out', page('ABCDEF', 3), 'ABC'],
  ['a length beyond the end', page('ABC', 0xffff), 'ABC'],
  ['blanks alone', page('    '), undefined],
  ['a page that says nothing', page(''), undefined],
  ['another page', page('ABC', 3, 0x83), undefined],
  ['a cut header', page('ABC').subarray(0, 3), undefined],
  ['no byte at all', Buffer.alloc(0), undefined],
])('%s', (_, bytes, expected) => {
  expect(vpdSerial(bytes)).toBe(expected);
});
