import type { ChildProcess } from 'node:child_process';
import type { Socket as UdpSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';

import { describeChild, describeServer, describeSocket } from './describe.ts';
import { asOpen, noteOpened, type Opened, type Watcher, type WatchSettings } from './opened.ts';
import type { ResourceKind } from './resource.ts';

/** One channel of Node that tells of something new. The casts name what Node documents for that channel. */
interface Source {
  readonly channel: string;
  readonly kind: ResourceKind;
  /** Look at one message: the thing, when it has ended, and how it is told of. */
  readonly read: (message: unknown) => Handle;
}

interface Handle {
  readonly target: object;
  /** Calls back once when it ends. */
  whenEnded(ended: () => void): void;
  /** Asked when a report is made: an event may not have come yet, or never comes. */
  isOpen(): boolean;
  describe(): string;
}

const sources: readonly Source[] = [
  {
    channel: 'child_process',
    kind: 'child',
    read(message) {
      const child = (message as { process: ChildProcess }).process;
      return {
        target: child,
        whenEnded: (ended) => child.once('exit', ended),
        isOpen: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
        describe: () => describeChild(child),
      };
    },
  },
  ...['net.client.socket', 'net.server.socket'].map((channel): Source => ({
    channel,
    kind: 'socket',
    read(message) {
      const { socket } = message as { socket: Socket };
      return {
        target: socket,
        whenEnded: (ended) => socket.once('close', ended),
        isOpen: () => !socket.closed,
        describe: () => describeSocket(socket),
      };
    },
  })),
  {
    channel: 'tracing:net.server.listen:asyncStart',
    kind: 'server',
    read(message) {
      const { server } = message as { server: Server };
      return {
        target: server,
        whenEnded: (ended) => server.once('close', ended),
        isOpen: () => server.listening,
        describe: () => describeServer(server),
      };
    },
  },
  {
    channel: 'udp.socket',
    kind: 'socket',
    read(message) {
      const { socket } = message as { socket: UdpSocket };
      let closed = false;
      return {
        target: socket,
        whenEnded: (ended) =>
          socket.once('close', () => {
            closed = true;
            ended();
          }),
        isOpen: () => !closed,
        describe: () => 'UDP socket',
      };
    },
  },
  {
    channel: 'worker_threads',
    kind: 'worker',
    read(message) {
      const { worker } = message as { worker: Worker };
      return {
        target: worker,
        whenEnded: (ended) => worker.once('exit', ended),
        isOpen: () => worker.threadId !== -1,
        describe: () => `worker thread ${worker.threadId}`,
      };
    },
  },
];

/** Child processes, sockets, servers and worker threads, as the diagnostics channels of Node tell of them. */
export function watchHandles(settings: WatchSettings): Watcher {
  const open = new Map<object, { readonly handle: Handle; readonly opened: Opened }>();
  const listeners = sources.map(({ channel, kind, read }) => {
    const listener = (message: unknown): void => {
      const handle = read(message);
      open.set(handle.target, { handle, opened: noteOpened(kind, settings, listener) });
      handle.whenEnded(() => {
        if (open.delete(handle.target)) settings.onEnd();
      });
    };
    subscribe(channel, listener);
    return { channel, listener };
  });

  return {
    open: () =>
      [...open.values()].flatMap(({ handle, opened }) =>
        handle.isOpen() ? (asOpen(opened, handle.describe(), settings) ?? []) : [],
      ),
    stop() {
      for (const { channel, listener } of listeners) unsubscribe(channel, listener);
      open.clear();
    },
  };
}
