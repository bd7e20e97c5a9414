import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignPlaces } from './foreign-places.mjs';
import { shapeProblems } from './package-shape.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Tracked files that are there: one may be deleted and not yet committed. */
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() === true);

const read = (/** @type {string} */ path) => readFileSync(join(ROOT, path), 'utf8');
const readAll = (/** @type {string[]} */ paths) => paths.map(read).join('\n');

const problems = tracked.flatMap((path) => foreignPlaces(path, read(path), ROOT));

const changesets = readAll(tracked.filter((path) => /^\.changeset\/.*\.md$/.test(path)));
for (const manifest of tracked.filter((path) => /^(?:packages|apps)\/[^/]+\/package\.json$/.test(path))) {
  const folder = manifest.replace(/\/package\.json$/, '');
  const files = tracked
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1));
  /** @type {{ name: string, exports?: Record<string, unknown> }} */
  const { name, exports = {} } = JSON.parse(read(manifest));
  /** @type {{ tags?: string[] }} */
  const { tags = [] } = files.includes('project.json') ? JSON.parse(read(`${folder}/project.json`)) : {};
  const publishedJson = Object.values(exports)
    .filter((target) => typeof target === 'string')
    .filter((target) => target.endsWith('.json') && target !== './package.json')
    .map((target) => target.replace(/^\.\//, ''));
  const tests = files.filter((file) => /^test\/.*\.ts$/.test(file)).map((file) => `${folder}/${file}`);
  problems.push(
    ...shapeProblems(
      {
        folder,
        name,
        files,
        readme: files.includes('README.md') ? read(`${folder}/README.md`) : '',
        tags,
        publishedJson,
        testText: readAll(tests),
      },
      changesets,
    ),
  );
}

for (const path of ['LICENSE', 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', '.ci/run']) {
  if (!tracked.includes(path)) problems.push(`${path} is missing`);
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${tracked.length} tracked files, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
