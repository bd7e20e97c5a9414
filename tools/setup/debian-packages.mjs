/**
 * @typedef {{ name: string, for: 'build' | 'test', why: string }} DebianPackage
 */

/**
 * What the machine still lacks. Tests need what the build needs, and more.
 *
 * @param {readonly DebianPackage[]} wanted
 * @param {'build' | 'test'} purpose
 * @param {string} dpkgOutput lines of `STATUS NAME`, as dpkg-query prints them; a package it does not know has no line
 * @returns {DebianPackage[]} in the order of `wanted`
 */
export function missingPackages(wanted, purpose, dpkgOutput) {
  const installed = new Set();
  for (const line of dpkgOutput.split('\n')) {
    const [status, name] = line.split(' ');
    if (status === 'installed') installed.add(name);
  }
  return wanted.filter((each) => (purpose === 'test' || each.for === 'build') && !installed.has(each.name));
}

/**
 * @param {readonly DebianPackage[]} packages
 * @returns {string} a line for each package: its name and why it is needed
 */
export function describePackages(packages) {
  const width = Math.max(0, ...packages.map((each) => each.name.length));
  return packages.map((each) => `  ${each.name.padEnd(width)}  ${each.why}\n`).join('');
}
