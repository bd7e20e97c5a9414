/** Where the kernel says what went wrong; what follows is detail, and the very end is registers. */
const explanation =
  /Kernel panic|Oops|BUG:|general protection fault|Unable to (handle|mount)|Internal error|You are in emergency mode/;

/** Some lines before it say what led there. */
const linesBefore = 3;

/**
 * At most `count` lines of a console, for a message: those around the kernel's last explanation where it gives one, else
 * the last ones. Blank lines are left out. Pure.
 */
export function consoleExcerpt(lines: readonly string[], count: number): string[] {
  const text = lines.filter((line) => line.trim() !== '');
  const found = text.findLastIndex((line) => explanation.test(line) && !line.includes('end Kernel panic'));
  if (found === -1 || text.length - found <= count) return text.slice(-count);
  const start = Math.max(0, found - linesBefore);
  return text.slice(start, start + count);
}
