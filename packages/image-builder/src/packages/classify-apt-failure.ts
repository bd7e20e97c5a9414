import {
  AptFailedError,
  ArchiveHashError,
  ArchiveSignatureError,
  MirrorFileMissingError,
  MirrorUnreachableError,
  PackageConflictError,
  PackageSpaceError,
  ReleaseExpiredError,
} from './errors.ts';

/** What apt was asked to do, for the message of an error without a class of its own. */
interface AptFailure {
  what: string;
  /** Where apt writes; for the error about space. */
  directory: string;
  lines: readonly string[];
  cause?: unknown;
}

/**
 * The error that apt's lines tell of. The order matters: a full disk makes digests wrong, and a
 * failed signature makes files missing. Texts are those of apt 2.6 in the C locale. Pure.
 */
export function classifyAptFailure({ what, directory, lines, cause }: AptFailure): Error {
  const told = relevant(lines);
  const says = (pattern: RegExp): boolean => told.some((line) => pattern.test(line));
  const options = { cause };
  if (says(/No space left on device|enough free space/i))
    return new PackageSpaceError(directory, { lines: told }, options);
  if (says(/is expired|is not valid yet|not live until|invalid for another/i))
    return new ReleaseExpiredError(told, options);
  if (
    says(
      /NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|signatures? (were|was|couldn't)|is not signed|NOSPLIT|NODATA|signature verification/i,
    )
  )
    return new ArchiveSignatureError(told, options);
  if (says(/Hash Sum mismatch|unexpected size|Mirror sync in progress|Hashes of/i))
    return new ArchiveHashError(told, options);
  if (
    says(
      /unreachable|could not resolve|temporary failure|could not connect|unable to connect|connection (failed|refused|timed out|reset)|timed? ?out|handshake|\b(429|5\d\d) {2}?\S|cannot initiate the connection|error reading from server|network is/i,
    )
  )
    return new MirrorUnreachableError(told, options);
  if (
    says(
      /404 {2}?Not Found|File not found|does not have a Release file|no longer has a Release file|\b40[1-9]\b|\b410\b/i,
    )
  )
    return new MirrorFileMissingError(told, options);
  if (
    says(
      /unmet dependencies|held broken packages|but remove is disabled|Unable to correct problems|pkgProblemResolver|conflicts/i,
    )
  )
    return new PackageConflictError(dependencyLines(lines), options);
  return new AptFailedError(what, told, options);
}

/** Errors and warnings with the indented lines that belong to them, each once, without credentials. */
function relevant(lines: readonly string[]): string[] {
  let telling = false;
  const wanted = lines
    .map((line) => line.replace(/\/\/[^/\s@]+@/g, '//***@').trimEnd())
    .filter((line) => {
      telling = /^(E:|W:|Err:)/.test(line) || (telling && /^\s+\S/.test(line));
      return telling && !line.includes('Download is performed unsandboxed');
    });
  return [...new Set(wanted)].sort((a, b) => rank(a) - rank(b));
}

const rank = (line: string): number => (line.startsWith('E:') ? 0 : line.startsWith('W:') ? 2 : 1);

/** The block in which apt says which dependency of which package is not met. */
function dependencyLines(lines: readonly string[]): string[] {
  const start = lines.findIndex((line) => /unmet dependencies/.test(line));
  const block = start < 0 ? [] : lines.slice(start + 1).filter((line) => /^ /.test(line));
  return block.length > 0 ? block.map((line) => line.trim()) : relevant(lines);
}
