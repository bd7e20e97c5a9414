/** Paragraphs of a Debian control file (deb822), without the empty lines between them. */
export function splitStanzas(text: string): string[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((stanza) => stanza.replace(/^\n+|\s+$/g, ''))
    .filter((stanza) => stanza !== '');
}

/** Fields of one paragraph, names in lower case, continuation lines joined with a line feed. */
export function parseFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of stanza.split('\n')) {
    if (/^[ \t]/.test(line)) {
      if (name !== undefined) fields.set(name, `${fields.get(name) ?? ''}\n${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    name = line.slice(0, colon).toLowerCase();
    fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** The paragraph without these fields (names in lower case), and without their continuation lines. */
export function withoutFields(stanza: string, names: ReadonlySet<string>): string {
  let dropping = false;
  return stanza
    .split('\n')
    .filter((line) => {
      if (!/^[ \t]/.test(line))
        dropping = names.has(line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase());
      return !dropping;
    })
    .join('\n');
}
