import type { App, AppCheck } from '../recipe/recipe.ts';
import { commandName, scriptName } from './app-medium.ts';

/**
 * A step of an application's installation, as a person who wrote the recipe knows it. `step` is the name that the
 * installer in the guest gives it; see `assets/install.sh`.
 */
export function describeStep(app: App | undefined, step: string): string {
  if (step === 'packages') return `installing its packages (${app?.packages.join(', ') ?? ''})`;
  if (step === 'files') return 'unpacking its files';
  const scripts = app?.scripts ?? [];
  const script = scripts.find((candidate, index) => step === `script-${scriptName(index, candidate)}`);
  if (script) return `script ${script.path}`;
  const checks = app?.checks ?? [];
  const check = checks.find((candidate, index) => step === `check-${checkName(candidate, index)}`);
  if (check === undefined) return step;
  if ('unit' in check) return `check that ${check.unit} is ${check.active ? 'active' : 'not active'}`;
  return `check ${check.command.map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')}`;
}

function checkName(check: AppCheck, index: number): string {
  return 'unit' in check ? check.unit : commandName(index);
}
