import { canonicalJson, CheckpointInputsError, inputsKey } from '@osforge/checkpoint';
import type { JsonValue } from '@osforge/checkpoint';
import { expect, test } from 'vitest';

test('the key is the SHA-256 of the canonical JSON', () => {
  // echo -n '{"a":[1,"ä",null],"b":true}' | sha256sum
  expect(inputsKey({ b: true, a: [1, 'ä', null] })).toBe(
    'd5a8190fafd148edc5e71bbd5090b7970bed53152c145379431bc1b89cdad8e2',
  );
});

test('canonical JSON is that of RFC 8785', () => {
  // The example of its section 3.2.2, and the sorting of 3.2.3.
  const value = {
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],' +
      '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, ö: 7 };
  expect(Object.values(JSON.parse(canonicalJson(keys)) as object)).toEqual([4, 2, 6, 7, 1, 5, 3]);
});

test('the order of members does not matter, that of elements does', () => {
  expect(inputsKey({ a: 1, b: { c: 2, d: 3 } })).toBe(inputsKey({ b: { d: 3, c: 2 }, a: 1 }));
  expect(inputsKey([1, 2])).not.toBe(inputsKey([2, 1]));
  expect(inputsKey(['ab', 'c'])).not.toBe(inputsKey(['a', 'bc']));
  expect(inputsKey(1)).not.toBe(inputsKey('1'));
});

test('what JSON cannot carry is refused, with its place', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = { cycle };
  const bad: [unknown, string][] = [
    [{ a: [0, Number.NaN] }, '(inputs).a[1]'],
    [{ when: new Date(0) }, '(inputs).when'],
    [[undefined], '(inputs)[0]'],
    [{ f: () => 1 }, '(inputs).f'],
    [new Map(), '(inputs)'],
    [cycle, '(inputs).self.cycle'],
  ];
  for (const [value, field] of bad) {
    // What the types forbid, as JavaScript callers can pass it.
    const call = () => inputsKey(value as JsonValue);
    expect(call).toThrow(CheckpointInputsError);
    expect(call).toThrow(expect.objectContaining({ field }));
  }
});

test('a member that is undefined counts as absent', () => {
  // Optional fields reach this from code without exactOptionalPropertyTypes.
  expect(inputsKey({ a: 1, b: undefined } as unknown as JsonValue)).toBe(inputsKey({ a: 1 }));
});
