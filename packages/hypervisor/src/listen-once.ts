import { createServer, type Socket } from 'node:net';

/** A socket that waits for one peer. */
export interface Listening {
  readonly path: string;
  /** The peer's connection; nothing else is accepted after it. Rejects when closed before. */
  readonly connected: Promise<Socket>;
  /** Stops listening. A connection that was made stays. Idempotent. */
  readonly close: () => void;
}

/** Listens on a UNIX socket for exactly one connection. Resolves when a peer can connect. */
export async function listenOnce(path: string): Promise<Listening> {
  const server = createServer({ pauseOnConnect: false });
  server.maxConnections = 1;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  let close: () => void = () => {};
  const connected = new Promise<Socket>((resolve, reject) => {
    close = () => {
      server.close();
      reject(new Error(`nothing connected to ${path}`));
    };
    server.once('connection', (socket) => {
      // A peer that is killed resets the connection; whoever reads it sees its end by 'close'.
      socket.on('error', () => undefined);
      resolve(socket);
      server.close();
    });
    server.once('error', (error) => {
      reject(error);
    });
  });
  // Who closes before anybody waits must not be ended by an unhandled rejection.
  connected.catch(() => undefined);
  return { path, connected, close };
}
