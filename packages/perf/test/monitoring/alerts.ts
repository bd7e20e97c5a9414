import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { filesOf, rules, ruleTests } from './places.ts';

/** One rule of a rules file: an alert or a recorded series. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a unit test of promtool expects of an alert at one time. */
export interface Expectation {
  readonly alertname: string;
  readonly exp_alerts: readonly object[];
}

async function read(file: string): Promise<unknown> {
  return parse(await readFile(file, 'utf8'));
}

/** All rules, in the order of the files. promtool has to have checked their form. */
export async function allRules(): Promise<Rule[]> {
  const files = await Promise.all((await filesOf(rules)).map(read));
  return files
    .flatMap((file) => (file as { groups: { rules: Rule[] }[] }).groups)
    .flatMap((group) => group.rules);
}

/** All that the unit tests expect. promtool has to have checked their form. */
export async function allExpectations(): Promise<Expectation[]> {
  const files = await Promise.all((await filesOf(ruleTests)).map(read));
  return files
    .flatMap((file) => (file as { tests: { alert_rule_test: Expectation[] }[] }).tests)
    .flatMap((test) => test.alert_rule_test);
}
