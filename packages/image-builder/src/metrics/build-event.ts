import type { EventOf } from '@osforge/event-bus';
import type { BuildEvents } from '../build/events.ts';

/** Any event of a build; narrow it by `type`. */
export type BuildEvent = EventOf<BuildEvents>;
