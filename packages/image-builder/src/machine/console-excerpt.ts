/** The kernel's own first words on what went wrong; what follows them is the detail, and the end is registers. */
const firstWords =
  /Kernel panic|Oops|BUG:|general protection fault|Unable to (handle|mount)|Out of memory|Internal error|sysrq: Trigger a crash|emergency mode/;

/** Some lines before the first words say what led there. */
const linesBefore = 3;

/**
 * At most `count` lines of a console, for a message: those around the kernel's own explanation where it gives one, else
 * the last ones. Blank lines are left out. Pure.
 */
export function consoleExcerpt(lines: readonly string[], count: number): string[] {
  const text = lines.filter((line) => line.trim() !== '');
  const found = text.findIndex((line) => firstWords.test(line));
  if (found === -1 || text.length - found <= count) return text.slice(-count);
  const start = Math.max(0, found - linesBefore);
  return text.slice(start, start + count);
}
