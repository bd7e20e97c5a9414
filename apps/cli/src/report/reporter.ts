import type { BuildResult } from '@osforge/image-builder';
import type { BuildEvent } from '../view/build-event.ts';

/** One way to show a build. */
export interface Reporter {
  readonly event: (event: BuildEvent) => void;
  /** Something that is no event: what a signal led to, that a copy of the events could not be written. */
  readonly note: (text: string) => void;
  /** Leaves the terminal to a question. Returns how to take it back. */
  readonly pause: () => () => void;
  /** The last word on a build that did not fail. Called once, after the last event; also after a failure. */
  readonly end: (result: BuildResult | undefined) => void;
}
