import type { EventBus } from '@osforge/event-bus';
import { installedToolVersions } from '../doctor/checks.ts';
import type { LoadedRecipe } from '../recipe/load-recipe.ts';
import { hostPlaces, type BuildEnvironment } from './environment.ts';
import type { BuildEvents } from './events.ts';
import { defaultCacheDirectory, layOut } from './layout.ts';
import { SecretMask } from './secret-mask.ts';

/** What a build, and the plan of one, is made of besides its recipe. */
export interface BuildOptions {
  /** Folder of all builds. */
  readonly outDirectory: string;
  /** Default: the recipe's name. */
  readonly buildId?: string;
  /** Default: see `defaultCacheDirectory`. */
  readonly cacheDirectory?: string;
  /** Environment that secrets and SOURCE_DATE_EPOCH come from; default `process.env`. */
  readonly variables?: NodeJS.ProcessEnv;
  readonly now?: () => Date;
}

/** The value of SOURCE_DATE_EPOCH is not a number of seconds. */
export class SourceDateEpochError extends Error {
  readonly code = 'SOURCE_DATE_EPOCH';
  constructor(value: string) {
    super(
      `SOURCE_DATE_EPOCH is ${JSON.stringify(value)}: give seconds since 1970 between 315532800 (1980) and 4354819199 (2107), or unset it`,
    );
    this.name = 'SourceDateEpochError';
  }
}

/** The epoch of https://reproducible-builds.org/specs/source-date-epoch/, within what FAT can store. */
export function sourceDateEpochOf(
  recipeEpoch: number | undefined,
  variables: NodeJS.ProcessEnv,
): number | undefined {
  if (recipeEpoch !== undefined) return recipeEpoch;
  const text = variables['SOURCE_DATE_EPOCH']?.trim();
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 315_532_800 || value >= 4_354_819_200)
    throw new SourceDateEpochError(text);
  return value;
}

export async function openEnvironment(
  loaded: LoadedRecipe,
  options: BuildOptions,
  bus: EventBus<BuildEvents> | undefined,
): Promise<BuildEnvironment> {
  const variables = options.variables ?? process.env;
  const { recipe } = loaded;
  return {
    recipe,
    recipeDirectory: loaded.directory,
    layout: layOut(
      options.outDirectory,
      options.buildId ?? recipe.name,
      options.cacheDirectory ?? defaultCacheDirectory(variables),
    ),
    sourceDateEpoch: sourceDateEpochOf(recipe.reproducible.sourceDateEpoch, variables),
    tools: await installedToolVersions(),
    variables,
    secrets: new SecretMask(),
    bus,
    now: options.now ?? (() => new Date()),
    earlierOutputs: [],
    host: hostPlaces,
    usb: undefined,
  };
}
