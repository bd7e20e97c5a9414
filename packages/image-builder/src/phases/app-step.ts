import { constants } from 'node:os';
import type { App, AppCheck } from '../recipe/recipe.ts';
import { commandName, scriptName } from './app-medium.ts';

/**
 * A step of an application's installation, as a person who wrote the recipe knows it. `step` is the name that the
 * installer in the guest gives it; see `assets/install.sh`.
 */
export function describeStep(app: App | undefined, step: string): string {
  if (step === 'install') return 'the installation';
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

/** Why a step failed, as the installer said it: "exit status 137" is a signal by the shell's convention. */
export function explainReason(reason: string): string {
  const status = Number(/^exit status (\d+)$/.exec(reason)?.[1]);
  if (status === 126) return `${reason}, it cannot be executed`;
  if (status === 127) return `${reason}, it or its interpreter was not found`;
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return signal ? `${reason}, ended by ${signal[0]}` : reason;
}
