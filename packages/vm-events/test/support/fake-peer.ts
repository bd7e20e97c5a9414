import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const GREETING =
  '{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"Debian"},"capabilities":["oob"]}}';

export interface Command {
  readonly execute: string;
  readonly id: number;
  readonly arguments?: Record<string, unknown>;
}

/** A scripted QMP peer on a real UNIX socket. */
export interface FakePeer {
  readonly path: string;
  /** Writes bytes as they are. */
  raw(bytes: string | Uint8Array): void;
  send(message: object): void;
  event(event: string, data?: object): void;
  /** The next command; those that `answer` handled are not among them. */
  command(): Promise<Command>;
  /** Ends the connection in order. */
  end(): void;
  /** Tears it down at once. */
  destroy(): void;
  dispose(): Promise<void>;
  readonly socket: Socket | undefined;
}

export interface FakePeerOptions {
  /** What is sent on connection; default the greeting. */
  greeting?: string;
  /** Default answers `qmp_capabilities` with an empty return. Undefined leaves the command to `command()`. */
  answer?: (command: Command) => object | undefined;
}

function onlyCapabilities({ execute, id }: Command): object | undefined {
  return execute === 'qmp_capabilities' ? { return: {}, id } : undefined;
}

export async function openFakePeer(options: FakePeerOptions = {}): Promise<FakePeer> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-qmp-'));
  const path = join(folder, 'qmp');
  const { greeting = `${GREETING}\r\n`, answer = onlyCapabilities } = options;
  const waiting: ((command: Command) => void)[] = [];
  const commands: Command[] = [];
  let socket: Socket | undefined;
  const raw = (bytes: string | Uint8Array): void => void socket?.write(bytes);
  const send = (message: object): void => {
    raw(`${JSON.stringify(message)}\r\n`);
  };
  const server = createServer((connection) => {
    socket = connection;
    connection.on('error', () => undefined);
    raw(greeting);
    createInterface(connection)
      .on('error', () => undefined)
      .on('line', (line) => {
        // The client under test wrote it.
        const command = JSON.parse(line) as Command;
        const reply = answer(command);
        if (reply !== undefined) raw(`${JSON.stringify(reply)}\r\n`);
        else {
          const next = waiting.shift();
          if (next === undefined) commands.push(command);
          else next(command);
        }
      });
  }).listen(path);
  await once(server, 'listening');
  return {
    path,
    raw,
    send,
    event: (event, data = {}) => {
      send({ event, data, timestamp: { seconds: 1_700_000_000, microseconds: 500 } });
    },
    command: () => {
      const command = commands.shift();
      return command === undefined
        ? new Promise<Command>((resolve) => waiting.push(resolve))
        : Promise.resolve(command);
    },
    end: () => void socket?.end(),
    destroy: () => void socket?.destroy(),
    async dispose() {
      socket?.destroy();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
    get socket() {
      return socket;
    },
  };
}
