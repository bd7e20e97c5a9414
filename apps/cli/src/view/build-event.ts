import type { EventOf } from '@osforge/event-bus';
import type { BuildEvents } from '@osforge/image-builder';

/** Any event of a build. */
export type BuildEvent = EventOf<BuildEvents>;
