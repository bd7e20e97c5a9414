import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const layers = [0, 1, 2, 3, 4];

/**
 * A package may depend on packages of lower layers only; the workspace's own tools on none.
 *
 * @param {string[]} alsoAllowed tags that every layer may depend on
 */
const boundaries = (alsoAllowed = []) => [
  'error',
  {
    allowCircularSelfDependency: true,
    enforceBuildableLibDependency: true,
    banTransitiveDependencies: true,
    depConstraints: [
      { sourceTag: 'layer:tools', onlyDependOnLibsWithTags: ['layer:none'] },
      ...layers.map((layer) => ({
        sourceTag: `layer:${layer}`,
        onlyDependOnLibsWithTags: [
          'layer:none',
          ...alsoAllowed,
          ...layers.filter((lower) => lower < layer).map((lower) => `layer:${lower}`),
        ],
      })),
    ],
    // The command line loads what a command needs only when it runs, to start fast.
    checkDynamicDependenciesExceptions: ['.*'],
  },
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/out-tsc/**',
      '**/out-bench/**',
      '**/out-test/**',
      '**/coverage/**',
      '.nx/**',
      'out/**',
      // Files that a test makes while it runs, perhaps beside this.
      '**/test/.*',
    ],
  },
  {
    files: ['**/*.ts', 'tools/**/*.mjs'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-empty-function': 'off',
      'no-console': 'error',
    },
  },
  {
    // The leak check of @osforge/perf is in the set-up of all tests, those of its own layer too: decision 8.
    files: ['packages/*/test/setup.ts', 'apps/*/test/setup.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['leak-check']) },
  },
  {
    // In JavaScript a cast is a JSDoc comment, which these rules do not see; the type check does.
    files: ['tools/**/*.mjs'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    // Only the command line prints and exits.
    files: ['packages/*/src/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'exit' }],
    },
  },
);
