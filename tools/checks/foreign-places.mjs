/**
 * Names that belong to somebody's machine or network and not into a repository. The expressions are written so that
 * they do not match this file.
 *
 * @type {readonly [RegExp, string][]}
 */
const FORBIDDEN = [
  [/\b(?:deb|ftp|security|snapshot|archive|cdn-aws|httpredir)\.debian\.org/, 'a package mirror'],
  [/\bregistry\.[a-z0-9-]+\.[a-z]+/, 'a package registry'],
  [/\b[a-z0-9.-]+\.pkg\.dev\b/, 'a package registry'],
  [/\b(?:mirrors?|proxy|artifactory|nexus)\.[a-z0-9-]+\.(?:com|org|net|io)\b/, 'a mirror'],
  [/(?<![\w.])\/work\/(?:main|shared)\b/, 'a path of one machine'],
];

/**
 * @param {string} path of the tracked file, below the root
 * @param {string} text of it
 * @param {string} root of the checkout, which must not be in it either
 * @returns {string[]} a line for each find: place and what it is
 */
export function foreignPlaces(path, text, root) {
  /** @type {string[]} */
  const problems = [];
  const isLock = path.endsWith('package-lock.json');
  text.split('\n').forEach((line, index) => {
    const place = `${path}:${index + 1}`;
    for (const [pattern, what] of FORBIDDEN) {
      const found = pattern.exec(line);
      if (found !== null) problems.push(`${place}: ${what} (${found[0]}) does not belong in the repository`);
    }
    // A short path, such as /src, is part of many others.
    if (root.length > 5 && line.includes(`${root}/`))
      problems.push(`${place}: the path of this checkout (${root})`);
    const download = isLock ? /"resolved": *"(https?:[^"]*)"/.exec(line) : null;
    if (download !== null)
      problems.push(`${place}: a download address (${download[1]}); .npmrc says to leave it out`);
  });
  return problems;
}
