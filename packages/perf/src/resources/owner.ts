import type { ChildProcess } from 'node:child_process';
import { errorMonitor, type EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';

import { describeChild, describeListener, describeServer, describeSocket } from './describe.ts';
import { OwnerDisposedError, ResourceLeakError } from './errors.ts';
import { framesOf, openedAtOf, takeStack } from './opened-at.ts';
import { runAsOwner } from './owner-context.ts';
import { groupLeaks, type OpenResource, type ResourceKind } from './resource.ts';
import { waitFor } from '../wait-for.ts';

/** An emitter of Node; a smaller interface than `EventEmitter`, so that a fake is a plain object. */
export type ListenTarget = Pick<EventEmitter, 'on' | 'off'>;

/** How long `close` waits. */
export interface CloseOptions {
  /** Milliseconds until what has not ended counts as leaked; default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait early; `close` rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens things in one component's name and closes all of them with it. Every handle it returns may be disposed of alone. */
export interface Owner extends Disposable, AsyncDisposable {
  readonly name: string;
  /** What this owner has open, in the order in which it was opened. */
  readonly open: readonly OpenResource[];
  /** `emitter.on(event, listener)`. */
  listen(emitter: ListenTarget, event: string | symbol, listener: (...args: never[]) => void): Disposable;
  /** Calls `fn` once, after `ms` milliseconds. */
  setTimeout(fn: () => void, ms: number): Disposable;
  /** Calls `fn` every `ms` milliseconds. */
  setInterval(fn: () => void, ms: number): Disposable;
  /** Takes a socket over: open until its `close` event; disposal destroys it. Returns the socket. */
  socket<S extends Socket>(socket: S): S;
  /** Takes a server over: open until its `close` event; disposal closes it. Returns the server. */
  server<S extends Server>(server: S): S;
  /** Takes a child process over: open until its `exit` or a failed start; disposal sends SIGKILL. Returns the child. */
  child<C extends ChildProcess>(child: C): C;
  /** Anything else, with the function that ends it. */
  add(kind: ResourceKind, detail: string, end: () => void): Disposable;
  /** Run `fn` in this owner's name: the ambient watch of tests names it for what `fn` opens by other ways. */
  run<T>(fn: () => T): T;
  /** Ends everything, the last opened first, without waiting for sockets and children. Idempotent. */
  dispose(): void;
  /**
   * `dispose`, and wait until sockets, servers and children have ended.
   * @throws ResourceLeakError for what has not ended by the deadline; AggregateError for what threw.
   */
  close(options?: CloseOptions): Promise<void>;
}

interface Entry extends Disposable {
  readonly resource: OpenResource;
}

/** What an owner shares with its tracker. */
interface Ledger {
  readonly resources: Set<OpenResource>;
  readonly stacks: boolean;
}

const defaultTimeoutMs = 5000;

/** An owner that writes what it opens into the ledger of its tracker. */
export function createOwner(name: string, { resources, stacks }: Ledger): Owner {
  const entries = new Set<Entry>();
  let disposed = false;
  let onEmpty: (() => void) | undefined;

  const remove = (entry: Entry): void => {
    resources.delete(entry.resource);
    entries.delete(entry);
    if (entries.size === 0) onEmpty?.();
  };

  /** `end` asks it to end; `endsLater` says that an event, not the asking, removes it. */
  const enter = (kind: ResourceKind, detail: () => string, end: () => void, endsLater = false): Entry => {
    if (disposed) throw new OwnerDisposedError(name, `${kind}: ${detail()}`);
    const resource: OpenResource = {
      owner: name,
      kind,
      get detail() {
        return detail();
      },
      openedAt: stacks ? openedAtOf(framesOf(takeStack(enter)).slice(1)) : undefined,
    };
    const entry: Entry = {
      resource,
      [Symbol.dispose]() {
        if (!entries.has(entry)) return;
        if (!endsLater) remove(entry);
        end();
      },
    };
    resources.add(resource);
    entries.add(entry);
    return entry;
  };

  const dispose = (): void => {
    disposed = true;
    const failures: unknown[] = [];
    for (const entry of [...entries].reverse()) {
      try {
        entry[Symbol.dispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `"${name}" could not end ${failures.length} of what it had opened`);
  };

  const close = async ({ timeoutMs = defaultTimeoutMs, signal }: CloseOptions = {}): Promise<void> => {
    signal?.throwIfAborted();
    dispose();
    if (entries.size === 0) return;
    const late = (): Error => new ResourceLeakError(groupLeaks([...entries].map(({ resource }) => resource)));
    try {
      await waitFor(
        (done) => {
          onEmpty = done;
        },
        { timeoutMs, signal, late },
      );
    } finally {
      onEmpty = undefined;
    }
  };

  return {
    name,
    get open() {
      return [...entries].map(({ resource }) => resource);
    },
    listen(emitter, event, listener) {
      const entry = enter(
        'listener',
        () => describeListener(event, emitter),
        () => {
          emitter.off(event, call);
        },
      );
      // A function of its own: the same listener may be added twice, and each handle removes its own.
      // The cast only gives up the argument types, which the emitter does not know either.
      const call = (...args: unknown[]): void => {
        listener(...(args as never[]));
      };
      emitter.on(event, call);
      return entry;
    },
    setTimeout(fn, ms) {
      const entry = enter(
        'timer',
        () => `timeout of ${ms} ms`,
        () => {
          clearTimeout(timer);
        },
      );
      const timer = setTimeout(() => {
        remove(entry);
        fn();
      }, ms);
      return entry;
    },
    setInterval(fn, ms) {
      const entry = enter(
        'timer',
        () => `interval of ${ms} ms`,
        () => {
          clearInterval(timer);
        },
      );
      const timer = setInterval(fn, ms);
      return entry;
    },
    socket(socket) {
      if (socket.closed) return socket;
      const entry = enter(
        'socket',
        () => describeSocket(socket),
        () => void socket.destroy(),
        true,
      );
      socket.once('close', () => {
        remove(entry);
      });
      return socket;
    },
    server(server) {
      const entry = enter(
        'server',
        () => describeServer(server),
        () => void server.close(),
        true,
      );
      server.once('close', () => {
        remove(entry);
      });
      return server;
    },
    child(child) {
      if (child.exitCode !== null || child.signalCode !== null) return child;
      const entry = enter(
        'child',
        () => describeChild(child),
        () => void child.kill('SIGKILL'),
        true,
      );
      const ended = (): void => {
        remove(entry);
      };
      child.once('exit', ended);
      // A program that could not be started says `error` and never `exit`. The monitor leaves the error unhandled.
      // The types of `once` on a child know only strings.
      (child as EventEmitter).once(errorMonitor, () => {
        if (child.pid === undefined) ended();
      });
      return child;
    },
    add: (kind, detail, end) => enter(kind, () => detail, end),
    run: (fn) => runAsOwner(name, fn),
    dispose,
    close,
    [Symbol.dispose]: dispose,
    [Symbol.asyncDispose]: () => close(),
  };
}
