import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { chooseElevation, explainAptFailure } from '../apt.mjs';
import { missingPackages } from '../debian-packages.mjs';
import { reasonToInstall } from '../node-modules.mjs';
import { nodeTooOld } from '../node-version.mjs';
import { echoFilter } from '../signals.mjs';
import { lock } from './fake-machine.ts';

describe('chooseElevation', () => {
  test('root needs no sudo', () => {
    expect(chooseElevation({ uid: 0, sudo: 'missing', terminal: false })).toBe('root');
  });
  test('a password is asked for only where somebody can type it', () => {
    expect(chooseElevation({ uid: 1000, sudo: 'passwordless', terminal: false })).toBe('sudo');
    expect(chooseElevation({ uid: 1000, sudo: 'asks', terminal: true })).toBe('sudo-asks');
    expect(chooseElevation({ uid: 1000, sudo: 'asks', terminal: false })).toBe('none');
    expect(chooseElevation({ uid: 1000, sudo: 'missing', terminal: true })).toBe('none');
  });
});

describe('missingPackages', () => {
  const wanted = [
    { name: 'a', for: 'build' as const, why: '' },
    { name: 'b', for: 'test' as const, why: '' },
    { name: 'c', for: 'build' as const, why: '' },
  ];
  test('unknown, removed and half-installed packages are missing', () => {
    const missing = missingPackages(wanted, 'test', 'config-files a\nhalf-configured c\n');
    expect(missing.map((each) => each.name)).toEqual(['a', 'b', 'c']);
  });
  test('a build does not need what only tests need', () => {
    expect(missingPackages(wanted, 'build', 'installed a\ninstalled c\n')).toEqual([]);
  });
});

describe('reasonToInstall', () => {
  const everything = (): boolean => true;
  test('packages of other platforms are not missed', () => {
    const record = JSON.stringify({
      packages: { 'node_modules/thing': { version: '1.0.0', integrity: 'sha512-1.0.0' } },
    });
    expect(reasonToInstall(lock('1.0.0'), record, everything)).toBeUndefined();
  });
  test('absent, torn, other version, other content', () => {
    expect(reasonToInstall(lock('1.0.0'), undefined, everything)).toMatch(/not there/);
    expect(reasonToInstall(lock('1.0.0'), '{ "packa', everything)).toMatch(/unreadable/);
    expect(reasonToInstall(lock('1.0.1'), lock('1.0.0'), everything)).toMatch(/thing/);
    expect(
      reasonToInstall(lock('1.0.0'), lock('1.0.0').replace('sha512-1.0.0', 'sha512-x'), everything),
    ).toMatch(/thing/);
  });
});

test('an old Node is told so; 20 and newer will do', () => {
  expect(nodeTooOld('18.20.4')).toMatch(/needs Node 20 or newer.*this is Node 18\.20\.4/);
  expect(nodeTooOld('20.0.0')).toBeUndefined();
  expect(nodeTooOld('24.21.0')).toBeUndefined();
});

test('a second Ctrl-C by a person is no echo', () => {
  let time = 0;
  const isNew = echoFilter(() => time);
  expect(isNew('SIGINT')).toBe(true);
  time = 5;
  expect(isNew('SIGINT')).toBe(false);
  expect(isNew('SIGTERM')).toBe(true);
  time = 200;
  expect(isNew('SIGINT')).toBe(true);
});

test('a mirror that has moved on is told from one that is away', () => {
  expect(explainAptFailure('E: Failed to fetch x  404  Not Found').kind).toBe('stale-lists');
  expect(explainAptFailure("Could not resolve 'x'\nE: Failed to fetch x").kind).toBe('offline');
});

test('each Debian package is listed once, with a reason', async () => {
  // As written in the file: an array of name, purpose and reason.
  const list = JSON.parse(await readFile(new URL('../debian-packages.json', import.meta.url), 'utf8')) as {
    name: string;
    for: string;
    why: string;
  }[];
  expect(new Set(list.map((each) => each.name)).size).toBe(list.length);
  for (const each of list) {
    expect(['build', 'test']).toContain(each.for);
    expect(each.why).toMatch(/.{10,}/);
  }
});
