import { expect, test } from 'vitest';
import { scriptName } from '../../src/phases/app-medium.ts';
import { describeStep, explainReason } from '../../src/phases/app-step.ts';
import type { App } from '../../src/recipe/recipe.ts';

const app: App = {
  name: 'web',
  packages: ['nginx', 'curl'],
  files: [],
  scripts: [
    { path: 'scripts/first one.sh', args: [], env: {} },
    { path: 'scripts/größe\t.sh', args: [], env: {} },
  ],
  checks: [{ unit: 'nginx.service', active: false }, { command: ['test', '-e', '/a b'] }],
};

test('names on the medium hold nothing that the protocol with the guest gives a meaning to', () => {
  const names = app.scripts.map((script, index) => scriptName(index, script));
  expect(names).toEqual(['001-first_one.sh', '002-gr__e_.sh']);
});

test.each([
  ['install', 'the installation'],
  ['packages', 'installing its packages (nginx, curl)'],
  ['files', 'unpacking its files'],
  ['script-001-first_one.sh', 'script scripts/first one.sh'],
  ['script-002-gr__e_.sh', 'script scripts/größe\t.sh'],
  ['check-nginx.service', 'check that nginx.service is not active'],
  ['check-command-2', 'check test -e "/a b"'],
  ['something new', 'something new'],
])('step %s is told in the words of the recipe', (step, expected) => {
  expect(describeStep(app, step)).toBe(expected);
});

test.each([
  ['exit status 3', 'exit status 3'],
  ['exit status 126', 'exit status 126, it cannot be executed'],
  ['exit status 127', 'exit status 127, it or its interpreter was not found'],
  ['exit status 137', 'exit status 137, ended by SIGKILL'],
  ['failed', 'failed'],
])('%s', (reason, expected) => {
  expect(explainReason(reason)).toBe(expected);
});
