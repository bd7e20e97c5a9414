import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chooseFormat, contentTypes } from '../exposition/format.ts';
import { InvalidMetricOptionError, MetricsListenError, MetricsPortTakenError } from '../metrics/errors.ts';
import type { MetricSource } from '../metrics/source.ts';
import { timerMs } from '../timer-ms.ts';
import { SharedScrape } from './shared-scrape.ts';

export interface MetricsServerOptions {
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** Address to listen on; default `127.0.0.1`. There is no login: think before giving another. */
  readonly host?: string | undefined;
  /** Where the metrics are; default `/metrics`. */
  readonly path?: string | undefined;
  /** Time for the collectors of one scrape, in ms; default 5000. After it the answer is 503. */
  readonly scrapeTimeoutMs?: number | undefined;
  /** Most connections at once; further ones are closed at once. Default 32. */
  readonly maxConnections?: number | undefined;
  /**
   * Time in which a client has to send its request, and for which it may read nothing of the answer, in ms; default
   * 10 000. Then its connection is cut, so that slow clients do not take all of them for good.
   */
  readonly slowClientMs?: number | undefined;
}

/** A listening server. It does not keep the process alive. */
export interface MetricsServer {
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** Where to scrape. */
  readonly url: string;
  /**
   * Ends it. New connections are refused from now on; a scrape that is under way is answered, and a request that
   * still comes on an open connection gets 503. After `timeoutMs` (default 2000), or when the signal aborts, the
   * connections that are left are cut. Resolves when all is closed; a second call waits for the first.
   */
  close(options?: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
}

/**
 * Serves the metrics by HTTP. GET and HEAD of `path` give them in the format that the `Accept` header prefers;
 * other paths are 404, other methods 405. Scrapes at the same time share the work.
 *
 * @throws MetricsPortTakenError, MetricsListenError, InvalidMetricOptionError for a path without `/` and a
 * `slowClientMs` below 1
 */
export async function createMetricsServer(
  source: MetricSource,
  options: MetricsServerOptions,
): Promise<MetricsServer> {
  const {
    host = '127.0.0.1',
    port,
    path = '/metrics',
    scrapeTimeoutMs = 5000,
    maxConnections = 32,
    slowClientMs = 10_000,
  } = options;
  if (!path.startsWith('/')) {
    throw new InvalidMetricOptionError('the metrics server', 'path', 'it begins with /.');
  }
  const scrape = new SharedScrape(source, scrapeTimeoutMs);
  if (!(slowClientMs >= 1)) {
    throw new InvalidMetricOptionError('the metrics server', 'slowClientMs', 'give 1 or more.');
  }
  const requestTimeout = Math.ceil(timerMs(slowClientMs));
  const limits = {
    headersTimeout: requestTimeout,
    requestTimeout,
    // Node looks for slow requests only so often, by default each 30 s.
    connectionsCheckingInterval: Math.min(requestTimeout, 1000),
  };
  const server = createServer(limits, (request, response) => {
    void answer(request, response, { path, scrape, closing: () => !server.listening });
  });
  // A connection is idle while its scrape goes on, too.
  server.setTimeout(timerMs(scrapeTimeoutMs + slowClientMs));
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    socket.unref();
  });
  await listen(server, host, port);
  // Such as too many open files when somebody connects: theirs is the loss, not the host's.
  server.on('error', () => {});
  server.unref();
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  let closed: Promise<void> | undefined;
  return {
    host,
    port: actualPort,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}${path}`,
    close: ({ timeoutMs = 2000, signal } = {}) => (closed ??= closeServer(server, timeoutMs, signal)),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw taken ? new MetricsPortTakenError(host, port, error) : new MetricsListenError(host, port, error);
  }
}

async function closeServer(
  server: Server,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const cut = (): void => {
    server.closeAllConnections();
  };
  const timer = setTimeout(cut, timerMs(timeoutMs));
  signal?.addEventListener('abort', cut, { once: true });
  try {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      // After `close`, which alone leaves open what never sent a request.
      server.closeIdleConnections();
      if (signal?.aborted === true) cut();
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cut);
  }
}

interface Endpoint {
  readonly path: string;
  readonly scrape: SharedScrape;
  readonly closing: () => boolean;
}

async function answer(request: IncomingMessage, response: ServerResponse, endpoint: Endpoint): Promise<void> {
  // Whoever hangs up early ends only their own answer.
  response.on('error', () => {});
  if (endpoint.closing()) {
    refuse(response, 503, 'The metrics server is being closed.');
    return;
  }
  const [path] = (request.url ?? '').split('?');
  if (path !== endpoint.path) {
    refuse(response, 404, `Metrics are at ${endpoint.path}.`);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    refuse(response, 405, 'Metrics can be read only.');
    return;
  }
  const format = chooseFormat(request.headers.accept);
  try {
    const body = await endpoint.scrape.read(format);
    response.writeHead(200, {
      'Content-Type': contentTypes[format],
      'Content-Length': body.length,
      'Cache-Control': 'no-store',
      Vary: 'Accept',
      // A connection kept open would keep the server from being closed.
      ...(endpoint.closing() ? { Connection: 'close' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  } catch (error) {
    refuse(response, 503, error instanceof Error ? error.message : String(error));
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${message}\n`);
}
