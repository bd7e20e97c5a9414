import { expect, test } from 'vitest';
import { nodeTooOld } from '../src/node-version.ts';

test.each(['22.18.0', '22.19.1', '24.0.0', '24.21.0', '100.0.0'])('Node.js %s will do', (version) => {
  expect(nodeTooOld(version)).toBeUndefined();
});

test.each(['18.19.0', '20.20.2', '22.17.9'])('Node.js %s is too old', (version) => {
  expect(nodeTooOld(version)).toContain(`needs Node.js 22.18 or newer, and this is ${version}`);
});
