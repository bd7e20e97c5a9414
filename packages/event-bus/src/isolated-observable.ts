import { Observable, Subscriber, type Observer, type Operator, type Subscription } from 'rxjs';

/** Told of what a subscriber threw. */
export type ReportError = (error: unknown) => void;

/**
 * An Observable whose subscribers cannot hurt one another or the process.
 *
 * RxJS throws what a subscriber's callback throws again in a timer, which ends a Node process. Here it goes to
 * `report`, and the subscriber stays subscribed. The same holds for everything made of it with `pipe`.
 */
export class IsolatedObservable<T> extends Observable<T> {
  readonly #report: ReportError;

  constructor(subscribe: (subscriber: Subscriber<T>) => void, report: ReportError) {
    super(subscribe);
    this.#report = report;
  }

  /** How RxJS 7 operators make the next Observable of a pipe (RxJS is pinned to 7.8.2). */
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only place in which a pipe's end can be guarded
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    return new IsolatedObservable<R>((subscriber) => {
      subscriber.add(operator?.call(subscriber, this));
    }, this.#report);
  }

  override subscribe(observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null): Subscription;
  /** @deprecated Kept for the signature of Observable; give an observer instead. */
  override subscribe(
    next?: ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // An operator's own subscriber: what stands at the end of the chain is guarded there.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? observerOrNext
        : { next: observerOrNext ?? undefined, error: error ?? undefined, complete: complete ?? undefined };
    const report = this.#report;
    const guard = (call: () => void): void => {
      try {
        call();
      } catch (thrown) {
        report(thrown);
      }
    };
    return super.subscribe({
      next: (value) => {
        try {
          observer.next?.(value);
        } catch (thrown) {
          report(thrown);
        }
      },
      error: (reason: unknown) => {
        guard(() => {
          if (observer.error === undefined) report(reason);
          else observer.error(reason);
        });
      },
      complete: () => {
        guard(() => observer.complete?.());
      },
    });
  }
}
