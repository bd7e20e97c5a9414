const keptLines = 20;
const keptLineLength = 1000;

/** Keeps the last 20 lines of a program, each cut to 1000 characters, for its error message. */
export function keepLastLines(): { push(line: string): void; lines(): string[] } {
  const kept: string[] = [];
  return {
    push(line) {
      if (line.trim() === '') return;
      kept.push(line.length > keptLineLength ? `${line.slice(0, keptLineLength)}…` : line);
      if (kept.length > keptLines) kept.shift();
    },
    lines: () => [...kept],
  };
}
