import { Subject, type Observable, type Subscriber } from 'rxjs';

import { createTimestamp } from './clock.ts';
import { copyJson } from './copy-json.ts';
import { BusClosedError } from './errors.ts';
import type { BusEvent, EventMap, EventName, EventOf } from './event.ts';
import { IsolatedObservable } from './isolated-observable.ts';
import { createReplayBuffer } from './replay-buffer.ts';

const defaultReplaySize = 1000;

/** How a bus is made. Every field may be left out. */
export interface EventBusOptions {
  /** Written into every event. */
  buildId?: string | undefined;
  /** How many of the last events a late subscriber gets first; default 1000, 0 for none. */
  replaySize?: number | undefined;
  /** The number before the first event's; default 0. A journal that is attached sets it too. */
  afterSeq?: number | undefined;
  /** Milliseconds since 1970; default `Date.now`. */
  now?: (() => number) | undefined;
  /**
   * Told of what a subscriber threw; the other subscribers and the publisher are not affected. Default: a Node
   * process warning (`process.on('warning')`) named `SubscriberError`.
   */
  onSubscriberError?: ((error: unknown) => void) | undefined;
}

/** A bus. Everything is synchronous: when `publish` returns, the subscribers have run. */
export interface EventBus<M extends EventMap> {
  /**
   * Publishes an event and returns it. An event that a subscriber publishes reaches everybody after the one
   * that the subscriber is handling, so that all see all events in the order of `seq`.
   *
   * Throws {@link NotJsonError} for data that JSON cannot say, and {@link BusClosedError}.
   */
  publish<T extends EventName<M>>(source: string, type: T, data: M[T]): EventOf<M, T>;
  /** Events of these types: first those that are kept for replay, then the new ones. */
  select<T extends EventName<M>>(...types: readonly T[]): Observable<EventOf<M, T>>;
  /** All events: first those that are kept for replay, then the new ones. */
  readonly events$: Observable<EventOf<M>>;
  /** New events only. */
  readonly live$: Observable<EventOf<M>>;
  /** The number before that of the first event of this bus. */
  readonly afterSeq: number;
  /** The number of the last event; `afterSeq` if there was none. */
  readonly lastSeq: number;
  /** Makes numbers go on after `seq`, if they are not there yet: for a journal that already has events. */
  continueAfter(seq: number): void;
  /** Completes all subscribers. Later subscribers get the replay and complete. Idempotent. */
  close(): void;
}

function warn(error: unknown): void {
  const detail = error instanceof Error ? error.message : String(error);
  process.emitWarning(`A subscriber of the event bus failed: ${detail}`, { type: 'SubscriberError' });
}

/** Makes a bus for the events of `M`, a `type` that maps each name to the shape of its data. */
export function createEventBus<M extends EventMap>(options: EventBusOptions = {}): EventBus<M> {
  const { buildId, onSubscriberError = warn } = options;
  const timestamp = createTimestamp(options.now ?? Date.now);
  const replay = createReplayBuffer<BusEvent>(options.replaySize ?? defaultReplaySize);
  const all = new Subject<BusEvent>();
  // A subscriber that wants few types is not even called for the others.
  const byType = new Map<string, Subject<BusEvent>>();
  const waiting: BusEvent[] = [];
  let afterSeq = options.afterSeq ?? 0;
  let seq = afterSeq;
  let busy = false;
  let closed = false;

  const report = (error: unknown): void => {
    try {
      onSubscriberError(error);
    } catch (another) {
      warn(another);
    }
  };

  const drain = (): void => {
    if (busy) return;
    busy = true;
    // An array that grows while it is walked: subscribers may publish.
    for (const event of waiting) {
      replay.push(event);
      all.next(event);
      byType.get(event.type)?.next(event);
    }
    waiting.length = 0;
    busy = false;
    if (!closed) return;
    all.complete();
    for (const subject of byType.values()) subject.complete();
  };

  const subjectOf = (type: string): Subject<BusEvent> => {
    const known = byType.get(type);
    if (known !== undefined) return known;
    const subject = new Subject<BusEvent>();
    byType.set(type, subject);
    return subject;
  };

  /** Gives what is kept, then what comes; publishing waits meanwhile, so that nothing is lost in between. */
  const replayThen = (
    subscriber: Subscriber<BusEvent>,
    sources: readonly Subject<BusEvent>[],
    wanted: (event: BusEvent) => boolean,
  ): void => {
    const wasBusy = busy;
    busy = true;
    let last = 0;
    for (const event of replay.items()) {
      if (subscriber.closed) break;
      last = event.seq;
      if (wanted(event)) subscriber.next(event);
    }
    if (closed && !wasBusy && waiting.length === 0) subscriber.complete();
    for (const source of sources) {
      subscriber.add(
        source.subscribe({
          // The event that is being handed out right now may have been in the replay already.
          next: (event) => {
            if (event.seq > last) subscriber.next(event);
          },
          complete: () => {
            subscriber.complete();
          },
        }),
      );
    }
    busy = wasBusy;
    drain();
  };

  const observe = (subscribe: (subscriber: Subscriber<BusEvent>) => void): IsolatedObservable<BusEvent> =>
    new IsolatedObservable(subscribe, report);
  const events$ = observe((subscriber) => {
    replayThen(subscriber, [all], () => true);
  });
  const live$ = observe((subscriber) => {
    subscriber.add(all.subscribe(subscriber));
  });

  return {
    publish(source, type, data) {
      if (closed) throw new BusClosedError(type);
      const copied = copyJson(data);
      seq += 1;
      const event: BusEvent = Object.freeze({
        v: 1,
        seq,
        time: timestamp(),
        source,
        type,
        ...(buildId === undefined ? {} : { buildId }),
        data: copied,
      });
      waiting.push(event);
      drain();
      // Made of `type` and a copy of `data` just above: it is the event of that type.
      return event as EventOf<M, typeof type>;
    },
    select<T extends EventName<M>>(...types: readonly T[]) {
      const names: ReadonlySet<string> = new Set(types);
      const selected = observe((subscriber) => {
        replayThen(subscriber, [...names].map(subjectOf), (event) => names.has(event.type));
      });
      // Only `publish` makes events, and it takes the data of `M[type]` for each type.
      return selected as unknown as Observable<EventOf<M, T>>;
    },
    // As above: whatever is published on this bus is an event of `M`.
    events$: events$ as unknown as Observable<EventOf<M>>,
    live$: live$ as unknown as Observable<EventOf<M>>,
    get afterSeq() {
      return afterSeq;
    },
    get lastSeq() {
      return seq;
    },
    continueAfter(last) {
      if (seq === afterSeq) afterSeq = Math.max(afterSeq, last);
      seq = Math.max(seq, last);
    },
    close() {
      closed = true;
      drain();
    },
  };
}
