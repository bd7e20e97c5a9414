/** A machine by the serial number that its firmware tells, and the host name that it gets. */
export interface NamedMachine {
  readonly serial: string;
  readonly name: string;
}

/** One thing that is wrong with a list of names. */
export interface NamesProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  readonly expected: string;
}

const hostName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const serialNumber = /^[!-~]([ -~]{0,126}[!-~])?$/;

/**
 * Reads a CSV of `serial,name` lines, with or without a line of these words at its head. Empty lines and lines that
 * begin with # are passed over, blanks around a field are dropped, names become lower case. Quotes are not known: no
 * serial number and no name needs them. Pure.
 */
export function parseNames(text: string): { machines: NamedMachine[]; problems: NamesProblem[] } {
  const machines: NamedMachine[] = [];
  const problems: NamesProblem[] = [];
  const seen = new Map<string, number>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const fields = content.split(',').map((field) => field.trim());
    const [serial = '', given = ''] = fields;
    const name = given.toLowerCase();
    if (machines.length + problems.length === 0 && serial.toLowerCase() === 'serial' && name === 'name')
      continue;
    const problem = (message: string, expected: string): void => {
      problems.push({ line, message, expected });
    };
    if (fields.length !== 2) {
      problem(`${fields.length} fields`, 'two fields: serial,name');
      continue;
    }
    if (!serialNumber.test(serial) || serial.includes('"'))
      problem('the serial number does not have the right form', 'printable ASCII without quotes');
    if (!hostName.test(name))
      problem(
        `"${given.slice(0, 80)}" is no host name`,
        'letters, digits and hyphens, at most 63, not starting or ending with a hyphen',
      );
    for (const [what, key] of [
      ['serial number', `serial ${serial}`],
      ['name', `name ${name}`],
    ] as const) {
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, line);
      else problem(`the ${what} of line ${earlier} again`, `a ${what} that is not used yet`);
    }
    machines.push({ serial, name });
  }
  return { machines, problems };
}
