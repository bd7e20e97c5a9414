import { Observable, Subject } from 'rxjs';
import type { PipelineEvent, PipelineEvents, Publish } from './events.ts';

/** The events of one run: published here, replayed to whoever subscribes late, completed at the end. */
export interface EventLog {
  readonly events$: Observable<PipelineEvent>;
  readonly publish: Publish;
  complete(): void;
}

interface Kept {
  readonly seq: number;
  readonly event: PipelineEvent;
}

/** Log lines and progress can be many; of these the last ones are kept, of everything else all. */
const NOISY: ReadonlySet<keyof PipelineEvents> = new Set([
  'phase.log',
  'phase.progress',
  'pipeline.progress',
]);

/** Keep all events for late subscribers, but at most `noisyLimit` log and progress events. */
export function createEventLog(noisyLimit = 2000): EventLog {
  const live = new Subject<PipelineEvent>();
  const plain: Kept[] = [];
  let noisy: Kept[] = [];
  let dropped = 0;
  let seq = 0;
  let closed = false;

  const publish: Publish = (type, data) => {
    if (closed) return;
    // The pair comes from one generic call, so the type belongs to the data; TypeScript cannot follow the
    // correlation into the union.
    const event = { type, data } as PipelineEvent;
    seq += 1;
    if (NOISY.has(type)) {
      noisy.push({ seq, event });
      // Trimmed in large steps, so that keeping the limit costs nothing for each event.
      if (noisy.length >= noisyLimit * 2) {
        dropped += noisy.length - noisyLimit;
        noisy = noisy.slice(-noisyLimit);
      }
    } else {
      plain.push({ seq, event });
    }
    live.next(event);
  };

  const events$ = new Observable<PipelineEvent>((subscriber) => {
    // A subscriber may make the run publish while it is replayed to, so new events wait in a queue.
    const queued: PipelineEvent[] = [];
    let replaying = true;
    const subscription = live.subscribe({
      next: (event) => {
        if (replaying) queued.push(event);
        else subscriber.next(event);
      },
      complete: () => {
        if (!replaying) subscriber.complete();
      },
    });
    subscriber.add(subscription);
    const lost = dropped + Math.max(0, noisy.length - noisyLimit);
    const history = [...plain, ...noisy.slice(-noisyLimit)].sort((a, b) => a.seq - b.seq);
    if (lost > 0) subscriber.next({ type: 'events.dropped', data: { count: lost } });
    for (const { event } of history) subscriber.next(event);
    for (let event = queued.shift(); event !== undefined; event = queued.shift()) subscriber.next(event);
    replaying = false;
    if (closed) subscriber.complete();
  });

  return {
    events$,
    publish,
    complete: () => {
      closed = true;
      live.complete();
    },
  };
}
