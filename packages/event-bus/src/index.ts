export {
  BusClosedError,
  isTransientEventBusError,
  JournalInvalidError,
  JournalSequenceError,
  JournalVersionError,
  JournalWriteError,
  NotJsonError,
} from './errors.ts';
export type { BusEvent, EventMap, EventName, EventOf } from './event.ts';
export { createEventBus, type EventBus, type EventBusOptions } from './event-bus.ts';
export type { AppendTarget } from './journal/append-queue.ts';
export {
  openJournal,
  type DroppedEvents,
  type Journal,
  type JournalSource,
  type OpenJournalOptions,
} from './journal/open-journal.ts';
export { readJournal, type ReadJournalOptions } from './journal/read-journal.ts';
export type { JsonObject, JsonValue } from './json.ts';
export { ofType } from './of-type.ts';
