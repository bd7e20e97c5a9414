import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ElfFormatError, readElf } from '../../src/installer/elf.ts';

const shell = readFileSync(realpathSync('/bin/sh'));

test('a program of this machine names its libraries and its loader', () => {
  const { interpreter, needed, section } = readElf(shell);
  expect(needed).toContain('libc.so.6');
  expect(interpreter).toMatch(/^\/lib.*\/ld-linux-/);
  expect(section('.interp')?.toString('latin1')).toBe(`${interpreter ?? ''}\0`);
  expect(section('.nothing')).toBeUndefined();
});

test('the libraries are those that the dynamic loader says', () => {
  const said = execFileSync(
    '/bin/sh',
    ['-c', 'LD_TRACE_LOADED_OBJECTS=1 exec "$0"', realpathSync('/bin/ls')],
    {
      encoding: 'utf8',
    },
  );
  for (const name of readElf(readFileSync(realpathSync('/bin/ls'))).needed) expect(said).toContain(name);
});

test('what is cut off or damaged gives the typed error or a result, and nothing else', () => {
  expect(() => readElf(Buffer.from('#!/bin/sh\n'))).toThrow(ElfFormatError);
  const lengths = [0, 3, 4, 5, 6, 16, 31, 40, 55, 63, 64, 100, 500, 1000, 4096, shell.length - 1];
  for (const length of lengths) {
    for (const name of ['.modinfo', '.interp']) {
      try {
        readElf(shell.subarray(0, length)).section(name);
      } catch (error) {
        expect(error).toBeInstanceOf(ElfFormatError);
      }
    }
  }
  for (let at = 16; at < 64; at += 1) {
    const damaged = Buffer.from(shell);
    damaged[at] = 0xff;
    try {
      readElf(damaged).section('.modinfo');
    } catch (error) {
      expect(error).toBeInstanceOf(ElfFormatError);
    }
  }
});
