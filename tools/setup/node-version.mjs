/** Read by whatever Node the machine has: no imports here, and no syntax newer than template strings. */
const OLDEST_NODE = 20;

/**
 * What to tell the user when Node is too old to set up the workspace.
 *
 * @param {string} version as in `process.versions.node`
 * @returns {string | undefined} undefined when the version will do
 */
export function nodeTooOld(version) {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return undefined;
  return (
    `osforge needs Node ${OLDEST_NODE} or newer to set itself up; this is Node ${version}.\n` +
    'Install a newer Node (it is needed only to start: osforge then runs on the Node 24 that npm installs).\n'
  );
}
