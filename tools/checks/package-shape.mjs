/**
 * @typedef {object} PackageFiles
 * @property {string} folder such as `packages/flush`
 * @property {string} name such as `@osforge/flush`
 * @property {readonly string[]} files tracked ones, relative to the folder
 * @property {string} readme text; empty when there is none
 * @property {readonly string[]} tags of its project.json
 * @property {readonly string[]} publishedJson JSON files that its package.json exports, such as schemas
 * @property {string} testText all of its tests
 */

/**
 * What a package of the house lacks.
 *
 * @param {PackageFiles} files
 * @param {string} changesets text of all changesets that wait for a release
 * @returns {string[]}
 */
export function shapeProblems({ folder, name, files, readme, tags, publishedJson, testText }, changesets) {
  /** @type {string[]} */
  const problems = [];
  const lack = (/** @type {boolean} */ holds, /** @type {string} */ what) => {
    if (!holds) problems.push(`${folder}: ${what}`);
  };
  const some = (/** @type {RegExp} */ pattern) => files.some((file) => pattern.test(file));

  lack(readme !== '', 'no README.md');
  lack(readme === '' || /^```(?:ts|sh|console)$/m.test(readme), 'README.md shows no example');
  lack(some(/^test\/.*\.test\.ts$/), 'no test');
  lack(/README\.md/.test(testText), 'no test runs the example of the README');
  lack(
    /\bfailOnLeaks\(/.test(testText),
    'no test/setup.ts that calls failOnLeaks of @osforge/perf/testing (name it in setupFiles of vitest.config.ts)',
  );
  lack(some(/^bench\/.*\.ts$/), 'no bench');
  lack(tags.filter((tag) => /^layer:\d$/.test(tag)).length === 1, 'project.json needs one tag layer:N');
  lack(
    some(/^CHANGELOG\.md$/) || changesets.includes(`'${name}'`) || changesets.includes(`"${name}"`),
    'neither a changeset nor a CHANGELOG.md names it',
  );
  for (const file of publishedJson) {
    const base = file.replace(/^.*\//, '');
    lack(files.includes(file), `exports ${file}, which is not tracked`);
    lack(testText.includes(base), `no test compares ${file} with the code`);
  }
  return problems;
}
