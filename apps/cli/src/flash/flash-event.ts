import type { EventOf } from '@osforge/event-bus';
import type { FlashEvents } from '@osforge/flasher';

/** Any event of a flash. */
export type FlashEvent = EventOf<FlashEvents>;
