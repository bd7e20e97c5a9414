import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';

/** The program with its arguments, cut, and its process id. Arguments may hold secrets: only the program is named. */
export function describeChild(child: ChildProcess): string {
  return `${child.spawnfile} (pid ${child.pid ?? 'none'})`;
}

/** Both ends of a connection, as far as they are known. */
export function describeSocket(socket: Socket): string {
  if (socket.remoteAddress === undefined) return socket.connecting ? 'connecting' : 'local socket';
  return `${socket.localAddress ?? '?'}:${socket.localPort ?? '?'} to ${socket.remoteAddress}:${socket.remotePort ?? '?'}`;
}

/** Where a server listens. */
export function describeServer(server: Pick<Server, 'address'>): string {
  const address = server.address();
  if (address === null) return 'not listening';
  return typeof address === 'string' ? address : `${address.address}:${address.port}`;
}

/** `SIGTERM on process`, `close on Socket`. */
export function describeListener(event: string | symbol, emitter: object): string {
  return `${String(event)} on ${emitter === process ? 'process' : emitter.constructor.name}`;
}
