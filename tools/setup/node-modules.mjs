/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, link?: boolean, optional?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} LockFile
 */

/**
 * Whether `npm ci` has to run. Compared is what npm itself recorded in `node_modules/.package-lock.json` when it last
 * finished; `npm ci` removes that file first, so an interrupted one counts as not installed.
 *
 * @param {string} wanted text of package-lock.json
 * @param {string | undefined} installed text of node_modules/.package-lock.json
 * @param {(path: string) => boolean} exists whether a path below the root is there, for what was deleted by hand
 * @returns {string | undefined} the reason, or undefined when everything is there
 */
export function reasonToInstall(wanted, installed, exists) {
  if (installed === undefined) return 'node_modules is not there or incomplete';
  const want = entries(wanted);
  const have = entries(installed);
  if (have === undefined) return 'npm’s record in node_modules is unreadable';
  for (const [path, entry] of Object.entries(want ?? {})) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue;
    const found = have[path];
    // Optional packages for other platforms are never there.
    if (found === undefined && entry.optional === true) continue;
    if (found === undefined || found.version !== entry.version || found.integrity !== entry.integrity) {
      return `package-lock.json has changed (${path.replace(/^.*node_modules\//, '')})`;
    }
    if (!exists(path)) return `${path} is gone`;
  }
  return undefined;
}

/**
 * @param {string} text
 * @returns {Record<string, LockEntry> | undefined}
 */
function entries(text) {
  try {
    return /** @type {LockFile} */ (JSON.parse(text)).packages;
  } catch {
    return undefined;
  }
}
