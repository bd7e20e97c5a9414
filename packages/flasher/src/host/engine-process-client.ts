import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, start } from '@osforge/process';
import { within } from '../engine/deadline.ts';
import { FlashEngineError } from '../errors.ts';
import { engineProgram } from './engine-process-url.ts';
import { readJsonLines, writeJsonLine } from './json-lines.ts';
import type { Command, Report } from './messages.ts';

/**
 * Threads that may wait in the kernel: two or three for each device. Node's own four would let four slow sticks stop
 * all others, and their number cannot be changed in a process that runs.
 */
const threads = 192;
/** From the end of the work to SIGKILL: a device that hangs must not keep the caller. */
const closeTimeoutMs = 10_000;

export interface EngineProcess {
  send(command: Command): void;
  /** Ends it in order, or kills it. */
  close(): Promise<void>;
}

export interface EngineProcessOptions {
  readonly receive: (report: Report) => void;
  /** It has ended before it was closed. */
  readonly ended: (error: FlashEngineError) => void;
  readonly startTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Starts the process that does the input and output; it dies with this one, by SIGKILL too. */
export async function startEngineProcess(options: EngineProcessOptions): Promise<EngineProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-flash-')); // mode 0700
  const server = createServer();
  let running: RunningProcess | undefined;
  try {
    const path = join(folder, 'socket');
    await within('the socket of the engine', listen(server, path), limits(options));
    const { url, execArguments } = engineProgram();
    const lines: string[] = [];
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    running = start(
      process.execPath,
      ['--max-semi-space-size=1', ...execArguments, fileURLToPath(url), path],
      {
        // Each of so many threads would otherwise keep a heap of its own in the C library.
        env: { UV_THREADPOOL_SIZE: String(threads), MALLOC_ARENA_MAX: '2', NODE_OPTIONS: undefined },
        killAfterMs: closeTimeoutMs,
      },
    );
    running.lines$.subscribe({ next: ({ line }) => lines.push(line) });
    const closed = running.closed.then(
      () =>
        new FlashEngineError(`the flash process ended: ${lines.slice(-5).join(' ')}`, {
          lastLines: lines.slice(-20),
        }),
      (error: unknown) =>
        new FlashEngineError(`the flash process could not be started: ${String(error)}`, { lastLines: [] }),
    );
    const socket = await within(
      'the start of the flash process',
      Promise.race([
        connected,
        closed.then((error) => {
          throw error;
        }),
      ]),
      limits(options),
    );
    return await attach({ socket, server, running, folder, closed, options });
  } catch (error) {
    await running?.killTree();
    server.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Attached {
  readonly socket: Socket;
  readonly server: Server;
  readonly running: RunningProcess;
  readonly folder: string;
  readonly closed: Promise<FlashEngineError>;
  readonly options: EngineProcessOptions;
}

async function attach({
  socket,
  server,
  running,
  folder,
  closed,
  options,
}: Attached): Promise<EngineProcess> {
  server.close(); // takes no second connection
  await rm(folder, { recursive: true, force: true });
  let closing = false;
  socket.on('error', () => undefined); // the process's end tells more
  readJsonLines(socket, (message) => {
    options.receive(message as Report); // the other end is this package in the same version
  });
  void closed.then((error) => {
    if (!closing) options.ended(error);
  });
  return {
    send: (command) => {
      writeJsonLine(socket, command);
    },
    async close() {
      if (closing) return;
      closing = true;
      writeJsonLine(socket, { type: 'close' });
      const { signal } = new AbortController();
      await within('the end of the flash process', closed, { timeoutMs: closeTimeoutMs, signal }).catch(
        () => {
          // A device that hangs in the kernel: the process dies when the device lets it.
          void running.killTree();
        },
      );
      socket.destroy();
    },
  };
}

const limits = ({
  startTimeoutMs,
  signal,
}: EngineProcessOptions): { timeoutMs: number; signal: AbortSignal } => ({
  timeoutMs: startTimeoutMs,
  signal,
});

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
