import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';

export const SCHEMA = 'osforge-bench/1';

/**
 * The fields are described in result.schema.json.
 *
 * @typedef {import('./measure/role.mjs').Role} Role
 * @typedef {{ cpu: string, cores: number, memoryBytes: number, kernel: string, loadStart: number, loadEnd: number }} Machine
 * @typedef {{ name: string, role: Role, unit: string, samples: number, median: number, p5: number, p95: number,
 *   mad: number, rounds: number[] }} Entry
 * @typedef {{ ours: string, peer: string, role: Role, ratio: number, low: number | null, high: number | null,
 *   rounds: number[] }} Ratio
 * @typedef {{ file: string, name: string, entries: Entry[], missing: { name: string, reason: string }[],
 *   ratios: Ratio[] }} Group
 * @typedef {{ file: string, name: string, cycles: number, warmupCycles: number, bytesPerThousandCycles: number,
 *   low: number, high: number, heapBytes: number[], handlesBefore: number, handlesAfter: number,
 *   listenersBefore: number, listenersAfter: number }} MemoryResult
 * @typedef {{ schema: string, package: string, date: string, commit: string, machine: Machine,
 *   versions: Record<string, string>, rounds: number, confidence: number, groups: Group[], memory: MemoryResult[],
 *   problems: string[] }} BenchResultFile
 */

const schema = JSON.parse(readFileSync(new URL('result.schema.json', import.meta.url), 'utf8'));
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

/**
 * @param {unknown} value
 * @param {string} where it is from, for the message
 * @returns {BenchResultFile}
 * @throws {Error} that says what is wrong with it
 */
export function checkResult(value, where) {
  if (typeof value === 'object' && value !== null && 'schema' in value && value.schema !== SCHEMA) {
    throw new Error(`${where} is of schema ${JSON.stringify(value.schema)}, and this reads ${SCHEMA} only`);
  }
  if (!validate(value)) {
    const what = (validate.errors ?? []).map(
      ({ instancePath, message }) => `${instancePath || 'it'} ${message ?? ''}`,
    );
    throw new Error(`${where} is no result of a bench: ${what.slice(0, 3).join('; ')}`);
  }
  return /** @type {BenchResultFile} */ (value);
}

/**
 * @param {string} file
 * @returns {BenchResultFile}
 * @throws {Error}
 */
export function readResult(file) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  return checkResult(value, file);
}
