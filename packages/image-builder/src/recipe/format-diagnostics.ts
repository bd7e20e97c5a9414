import type { Diagnostic } from './diagnostic.ts';

const widest = 120;

/**
 * Diagnostics as text, each with its source line and a caret, as a compiler prints them. Pure,
 * without colours, no newline at the end. Values of fields that may hold a secret are not shown.
 */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], source: string): string {
  const lines = source.split(/\r\n|\n|\r/);
  return diagnostics.map((diagnostic) => formatOne(diagnostic, lines)).join('\n\n');
}

function formatOne(diagnostic: Diagnostic, lines: readonly string[]): string {
  const { file, line, column, field, message, expected, remedy } = diagnostic;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const gutter = ' '.repeat(Math.max(3, String(line).length));
  return [
    `${place}: error: ${field === '' ? '' : `${field}: `}${message}`,
    ...excerpt(diagnostic, lines[line - 1], gutter),
    ...(expected === undefined ? [] : [`${gutter} = expected: ${expected}`]),
    ...(remedy === undefined ? [] : [`${gutter} = ${remedy}`]),
  ].join('\n');
}

function excerpt(diagnostic: Diagnostic, raw: string | undefined, gutter: string): string[] {
  if (diagnostic.line === 0 || raw === undefined) return [];
  const text = hideSecrets(raw, diagnostic);
  // A long line is shown from a little before the column on.
  const from = diagnostic.column > widest - 20 ? diagnostic.column - 20 : 0;
  const shown = printable(text.slice(from, from + widest));
  const before = printable(text.slice(from, diagnostic.column - 1)).replace(/[^\t]/g, ' ');
  const room = Math.max(1, shown.length - (diagnostic.column - 1 - from));
  const caret = '^'.repeat(Math.min(diagnostic.length ?? 1, room));
  return [
    `${gutter} |`,
    `${String(diagnostic.line).padStart(gutter.length)} | ${shown}`.trimEnd(),
    `${gutter} | ${before}${caret}`,
  ];
}

const assignment =
  /((?:pass|secret|token|credential|private)[\w-]*["']?\s*:\s*)(?!\s*["']?(?:env|file):)("[^"]*"?|'[^']*'?|[^\s,}\]][^,}\]]*)/gi;

function hideSecrets(text: string, { masked, column }: Diagnostic): string {
  const hidden = text.replace(assignment, '$1********');
  if (masked !== true) return hidden;
  const key = /^[\w.-]+["']?\s*:/.exec(text.slice(column - 1))?.[0];
  return key === undefined
    ? `${text.slice(0, column - 1)}********`
    : `${text.slice(0, column - 1)}${key} ********`;
}

function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]/gu, '·');
}
