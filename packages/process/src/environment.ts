import { searchPath } from './find-program.ts';

/**
 * What a program is given of our own environment. Everything else stays here: it may hold a secret, and what runs
 * below us (the maintainer scripts of packages, say) is written by many.
 */
const inherited: ReadonlySet<string> = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR'],
  ...['SOURCE_DATE_EPOCH', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'],
]);

/**
 * The environment of a program: what it may have of ours, a locale whose output can be parsed, the changes, and a full
 * PATH. `own` is the environment of this process.
 */
export function environment(
  changes: Readonly<Record<string, string | undefined>> = {},
  own: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(Object.entries(own).filter(([name]) => inherited.has(name)));
  const merged: NodeJS.ProcessEnv = { ...kept, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...changes };
  return { ...merged, PATH: searchPath(merged['PATH']) };
}
