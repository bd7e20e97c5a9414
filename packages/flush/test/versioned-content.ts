/** A content of 64 KiB and a bit that tells torn or mixed versions. */
export function content(version: number): string {
  return `${version}:${`${version},`.repeat(12_000)}end`;
}

/** The version of a whole content; undefined if it is torn. */
export function versionOf(text: string): number | undefined {
  const version = Number.parseInt(text, 10);
  return text === content(version) ? version : undefined;
}
