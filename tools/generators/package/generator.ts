import { fileURLToPath } from 'node:url';
import {
  generateFiles,
  installPackagesTask,
  updateJson,
  type GeneratorCallback,
  type Tree,
} from '@nx/devkit';

export interface PackageOptions {
  /** Without the scope: `log-parser`. */
  readonly name: string;
  /** 0 to 3; apps, which are layer 4, are made by hand. */
  readonly layer: number;
  /** One sentence, with its full stop. */
  readonly description?: string;
}

interface RootTsconfig {
  readonly references: readonly { readonly path: string }[];
}

const TEMPLATES = fileURLToPath(new URL('files', import.meta.url));

/**
 * Writes `packages/<name>`, its first changeset and its reference in the root tsconfig.json. The callback then runs
 * `npm install`, which links the package and enters it in the lock file.
 *
 * Throws when the name or the layer is none, or the folder exists: nothing is ever overwritten.
 */
export default function packageGenerator(tree: Tree, options: PackageOptions): GeneratorCallback {
  const { name, layer, description = `What ${name} is for.` } = options;
  // The schema says the same, but Nx checks it only on the command line.
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`"${name}" is no package name: use lower-case words joined by "-", without the scope`);
  }
  if (![0, 1, 2, 3].includes(layer)) throw new Error(`layer ${layer} does not exist: use 0, 1, 2 or 3`);
  const root = `packages/${name}`;
  if (tree.exists(root)) throw new Error(`${root} exists already; nothing was changed`);

  const camel = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  generateFiles(tree, TEMPLATES, root, { name, camel, layer, description });
  tree.write(`.changeset/${name}-first.md`, `---\n'@osforge/${name}': minor\n---\n\n${description}\n`);
  updateJson<RootTsconfig>(tree, 'tsconfig.json', (json) => ({
    ...json,
    references: [...json.references, { path: `./${root}` }],
  }));
  return () => {
    installPackagesTask(tree, true);
  };
}
