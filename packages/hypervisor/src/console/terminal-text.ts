// CSI (with parameters), OSC (to BEL or ST), and two-character escapes. Source: ECMA-48.
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

/**
 * One line of console output as plain text: what stands after the last carriage return (a redrawn line shows only
 * that), without escape sequences and control characters, so that a guest cannot steer the reader's terminal.
 */
export function plainLine(raw: string): string {
  const shown = raw
    .replace(/\r+$/, '')
    .split('\r')
    .findLast((part) => part !== '');
  return (shown ?? '').replace(ESCAPES, '').replace(CONTROLS, '');
}
