import type { EventBus } from '@osforge/event-bus';
import type { PlannedTarget } from '@osforge/flasher';
import type { Recipe } from '../recipe/recipe.ts';
import type { BuildEvents } from './events.ts';
import type { BuildLayout } from './layout.ts';
import type { SecretMask } from './secret-mask.ts';

/** What every phase of one build knows. Made once, before the plan. */
export interface BuildEnvironment {
  readonly recipe: Recipe;
  /** Folder that relative paths of the recipe start from. */
  readonly recipeDirectory: string;
  readonly layout: BuildLayout;
  /** Seconds since 1970 that every time stamp of the image is clamped to, where the user or recipe gave one. */
  readonly sourceDateEpoch: number | undefined;
  /** Versions of the Debian packages whose tools shape the result, by package name. */
  readonly tools: Readonly<Record<string, string>>;
  /** Environment variables that `env:` secret references are resolved from. */
  readonly variables: NodeJS.ProcessEnv;
  /** Takes up every secret that a phase resolves; what a guest says goes through it before anybody sees it. */
  readonly secrets: SecretMask;
  /** Absent while a plan is made: planning publishes nothing. */
  readonly bus: EventBus<BuildEvents> | undefined;
  readonly now: () => Date;
  /** Files for the user that this build's record names before the run; paths are relative to its folder. */
  readonly earlierOutputs: readonly EarlierOutput[];
  /** What a build looks at of its machine; for tests. */
  readonly host: HostPlaces;
  /** The confirmed targets of phase `usb`; undefined where it does not run, and while a plan is made. */
  readonly usb: UsbChoice | undefined;
}

/** The targets that phase `usb` may write to, as they were when they were confirmed. */
export interface UsbChoice {
  readonly targets: readonly PlannedTarget[];
  /** True where what earlier receipts say does not count. */
  readonly fresh: boolean;
}

/** A file that an earlier run of the same build has made for the user. */
export interface EarlierOutput {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Where the machine says what decides a build's result. */
export interface HostPlaces {
  /** apt's configuration. */
  readonly aptDirectory: string;
  readonly kvmDevice: string;
  readonly cpuInfo: string;
}

export const hostPlaces: HostPlaces = {
  aptDirectory: '/etc/apt',
  kvmDevice: '/dev/kvm',
  cpuInfo: '/proc/cpuinfo',
};

/** The versions of some tools, in a shape that goes into a phase's key. */
export function toolVersions(
  environment: BuildEnvironment,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, environment.tools[name] ?? 'absent']));
}
