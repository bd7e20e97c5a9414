/** `npm run bench:compare -- A.json B.json`: what is slower or faster in B, and what is noise. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkResult } from '../bench/result.mjs';
import { report } from './report.mjs';

const USAGE = `usage: npm run bench:compare -- BEFORE.json AFTER.json [--fail-on slower]
                        [--confidence 0.99] [--least-effect 0.05]

Takes what nx bench writes (out-bench/result.json) and what npm run bench writes (out/bench/*.json).
Exit code 1 with --fail-on slower where something is slower, 2 where the files cannot be compared, and with
--fail-on slower also where nothing in them can.
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'fail-on': { type: 'string' },
      confidence: { type: 'string', default: '0.99' },
      'least-effect': { type: 'string', default: '0.05' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [before, after, ...more] = positionals;
  if (values.help === true) {
    process.stdout.write(USAGE);
  } else if (before === undefined || after === undefined || more.length > 0) {
    throw new Error('two files are needed');
  } else {
    const confidence = Number(values.confidence);
    const leastEffect = Number(values['least-effect']);
    const failOn = values['fail-on'];
    if (!(confidence > 0 && confidence < 1)) throw new Error('--confidence takes a number between 0 and 1');
    if (!(leastEffect >= 0)) throw new Error('--least-effect takes a number from 0');
    if (failOn !== undefined && failOn !== 'slower') throw new Error('--fail-on takes "slower"');
    const { text, slower, compared } = report(read(before), read(after), { confidence, leastEffect });
    process.stdout.write(text);
    if (failOn === 'slower') process.exitCode = compared === 0 ? 2 : slower > 0 ? 1 : 0;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}

/**
 * @param {string} file
 * @returns {import('../bench/result.mjs').BenchResultFile[]}
 */
function read(file) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  return (Array.isArray(value) ? value : [value]).map((each) => checkResult(each, file));
}
