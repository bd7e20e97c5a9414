import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { armDeadline, type WaitOptions } from '../deadline.ts';
import { QmpConnection, type QmpClient } from './client.ts';
import { QmpAbortedError, QmpConnectionError, QmpTimeoutError } from './errors.ts';

export interface ConnectQmpOptions extends WaitOptions {
  /** UNIX socket on which QEMU listens. Give this or `stream`. */
  readonly path?: string;
  /** A connection that exists already, e.g. one that QEMU made to a socket of ours. */
  readonly stream?: Duplex;
  /** A longer line ends the connection. Default 16 MiB (QEMU's longest, the schema, is below 1 MiB). */
  readonly maxLineBytes?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Connects, reads the greeting and leaves capability negotiation, so that commands can be sent.
 * `timeoutMs` (default 30 000) bounds all of it.
 * @throws QmpConnectionError, QmpProtocolError, QmpTimeoutError, QmpAbortedError
 */
export async function connectQmp(options: ConnectQmpOptions): Promise<QmpClient> {
  const { path, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const stream = options.stream ?? (path === undefined ? undefined : connect({ path }));
  if (stream === undefined) throw new TypeError('connectQmp needs a path or a stream.');
  const connection = new QmpConnection(stream, options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES);
  const disarm = armDeadline(
    { timeoutMs, signal },
    {
      onTimeout: (ms) => {
        connection.close(new QmpTimeoutError('qmp_capabilities', ms));
      },
      onAbort: (reason) => {
        connection.close(new QmpAbortedError('qmp_capabilities', reason));
      },
    },
  );
  try {
    const greeting = await Promise.race([connection.greeted, endedEarly(connection)]);
    await Promise.race([
      connection.execute('qmp_capabilities', undefined, { timeoutMs }),
      endedEarly(connection),
    ]);
    return {
      greeting,
      events$: connection.events.asObservable(),
      history$: connection.history.asObservable(),
      execute: (command, args, commandOptions) => connection.execute(command, args, commandOptions),
      ended: connection.ended,
      close: () => {
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    // The reason that ended the connection says more than the command that it took down.
    const end = await connection.ended;
    throw end.error !== undefined && 'code' in end.error && String(end.error.code).startsWith('VM_EVENTS')
      ? end.error
      : error;
  } finally {
    disarm();
  }
}

async function endedEarly(connection: QmpConnection): Promise<never> {
  const { reason, error } = await connection.ended;
  throw new QmpConnectionError('it was being set up', error?.message ?? reason, error);
}
