import type { BuildResult } from '@osforge/image-builder';
import type { BuildEvent } from '../view/build-event.ts';

/** One way to show a build, or anything else that tells of itself by events. */
export interface Reporter<Event = BuildEvent, Result = BuildResult> {
  readonly event: (event: Event) => void;
  /** Something that is no event: what a signal led to, that a copy of the events could not be written. */
  readonly note: (text: string) => void;
  /** Leaves the terminal to a question. Returns how to take it back. */
  readonly pause: () => () => void;
  /** The last word on what did not fail. Called once, after the last event; also after a failure. */
  readonly end: (result: Result | undefined) => void;
}
