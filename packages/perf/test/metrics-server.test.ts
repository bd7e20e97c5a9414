import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { afterEach, expect, test } from 'vitest';

import {
  createMetricsServer,
  createRegistry,
  InvalidMetricOptionError,
  isTransientMetricsError,
  MetricsListenError,
  MetricsPortTakenError,
  type MetricsServer,
  type Registry,
} from '@osforge/perf';

const servers: MetricsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(
  registry: Registry,
  options: { scrapeTimeoutMs?: number; slowClientMs?: number } = {},
): Promise<MetricsServer> {
  const server = await createMetricsServer(registry, { port: 0, ...options });
  servers.push(server);
  return server;
}

function oneMetric(): Registry {
  const registry = createRegistry();
  registry.counter({ name: 'osforge_events_total', help: 'Events.' }).inc(3);
  return registry;
}

/** Something to wait for that the test brings about. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A registry whose scrape begins and ends when the test says. */
function slowRegistry(): { registry: Registry; begun: Promise<void>; end: () => void; runs: () => number } {
  const registry = oneMetric();
  const begin = gate();
  const end = gate();
  let runs = 0;
  registry.collector(
    'slow',
    async () => {
      runs += 1;
      begin.open();
      await end.opened;
    },
    { timeoutMs: 60_000 },
  );
  return { registry, begun: begin.opened, end: end.open, runs: () => runs };
}

async function connected(server: MetricsServer): Promise<Socket> {
  const socket = connect(server.port, server.host);
  await once(socket, 'connect');
  return socket;
}

test('GET gives the format that Accept prefers, on the loopback', async () => {
  const server = await serve(oneMetric());
  expect(server.host).toBe('127.0.0.1');
  expect(server.url).toBe(`http://127.0.0.1:${server.port}/metrics`);
  const plain = await fetch(server.url);
  expect(plain.status).toBe(200);
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await plain.text()).toContain('\nosforge_events_total 3\n');
  const open = await fetch(`${server.url}?x=1`, {
    headers: { accept: 'application/openmetrics-text; version=1.0.0' },
  });
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(await open.text()).toMatch(/\n# EOF\n$/);
});

test('HEAD gives the head of it; other methods and paths are refused', async () => {
  const server = await serve(oneMetric());
  const head = await fetch(server.url, { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await head.text()).toBe('');
  const post = await fetch(server.url, { method: 'POST', body: 'x' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await fetch(new URL('/', server.url))).status).toBe(404);
});

test('a taken port is a typed error that may pass', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const address = blocker.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  try {
    const error: unknown = await createMetricsServer(oneMetric(), { port: address.port }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(MetricsPortTakenError);
    expect(error).toMatchObject({ code: 'PERF_METRICS_PORT_TAKEN', port: address.port, host: '127.0.0.1' });
    expect(isTransientMetricsError(error)).toBe(true);
  } finally {
    blocker.close();
  }
});

test('an address of another machine, a port that cannot be and a path without / are typed errors', async () => {
  const elsewhere = createMetricsServer(oneMetric(), { port: 0, host: '192.0.2.1' });
  await expect(elsewhere).rejects.toThrow(MetricsListenError);
  await expect(createMetricsServer(oneMetric(), { port: 70_000 })).rejects.toThrow(MetricsListenError);
  for (const wrong of [{ path: 'metrics' }, { slowClientMs: 0 }, { slowClientMs: NaN }]) {
    const server = createMetricsServer(oneMetric(), { port: 0, ...wrong });
    await expect(server).rejects.toThrow(InvalidMetricOptionError);
  }
});

test('scrapes at the same time share the work', async () => {
  const { registry, begun, end, runs } = slowRegistry();
  const server = await serve(registry);
  const socket = await connected(server);
  // In one packet, so that all of them have come when the first begins.
  const request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n';
  socket.write(`${request}\r\n`.repeat(9) + `${request}Connection: close\r\n\r\n`);
  await begun;
  end();
  expect((await text(socket)).match(/^HTTP\/1.1 200 OK/gm)).toHaveLength(10);
  expect(runs()).toBe(1);
});

test('a scrape that takes too long is answered with 503', async () => {
  const { registry, end } = slowRegistry();
  const server = await serve(registry, { scrapeTimeoutMs: 10 });
  const response = await fetch(server.url);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('longer than 10 ms');
  end();
});

test('a scrape that is under way when the server is closed is answered; a new one is refused', async () => {
  const { registry, begun, end } = slowRegistry();
  const server = await serve(registry);
  const answer = fetch(server.url);
  await begun;
  const closed = server.close({ timeoutMs: 60_000 });
  expect(server.close()).toBe(closed);
  await expect(fetch(server.url)).rejects.toThrow();
  end();
  const response = await answer;
  expect(response.status).toBe(200);
  expect(response.headers.get('connection')).toBe('close');
  expect(await response.text()).toContain('osforge_events_total 3');
  await closed;
});

test('a request whose end comes after the close gets 503', async () => {
  const { registry, begun, end } = slowRegistry();
  const server = await serve(registry);
  const half = await connected(server);
  half.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n');
  // A scrape beside it, so that the server has read the first line before it is closed.
  const other = fetch(server.url);
  await begun;
  const closed = server.close({ timeoutMs: 60_000 });
  half.write('\r\n');
  expect(await text(half)).toMatch(/^HTTP\/1.1 503 [^]*The metrics server is being closed\.\n/);
  end();
  await (await other).text();
  await closed;
});

test('connections that are left at the deadline, or when the signal aborts, are cut', async () => {
  for (const options of [{ timeoutMs: 10 }, { timeoutMs: 60_000, signal: AbortSignal.abort() }]) {
    const { registry, begun, end } = slowRegistry();
    const server = await serve(registry);
    const answer = fetch(server.url);
    const failed = expect(answer).rejects.toThrow();
    await begun;
    await server.close(options);
    await failed;
    end();
  }
});

test('whoever hangs up early, or talks nonsense, hurts no other', async () => {
  const { registry, begun, end } = slowRegistry();
  const server = await serve(registry);
  const rude = await connected(server);
  rude.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await begun;
  rude.resetAndDestroy();
  const odd = await connected(server);
  odd.write('\0\0\0\r\n\r\n');
  expect(await text(odd)).toMatch(/^HTTP\/1.1 400 /);
  end();
  expect((await fetch(server.url)).status).toBe(200);
});

test('whoever does not send a whole request, or does not read the answer, is cut', async () => {
  const registry = oneMetric();
  // More than the kernel buffers of a connection.
  const large = registry.gauge({ name: 'osforge_large', help: 'Large.', labels: ['text'], maxSeries: 20 });
  for (let index = 0; index < 20; index += 1) large.labels({ text: String(index).repeat(1e6) }).set(1);
  // Long enough for the request at the end, which a busy machine must not take for a slow one.
  const server = await serve(registry, { slowClientMs: 1000, scrapeTimeoutMs: 1000 });
  const half = await connected(server);
  half.write('GET /metrics HTTP/1.1\r\nHost');
  expect(await text(half)).toMatch(/^HTTP\/1.1 408 /);
  // Paused, the client learns of its end only when it reads on; the server's side tells at once.
  const cut = gate();
  const onAccepted = (message: unknown): void => {
    // As Node documents this channel.
    (message as { socket: Socket }).socket.once('close', cut.open);
  };
  subscribe('net.server.socket', onAccepted);
  const deaf = await connected(server);
  deaf.pause();
  deaf.on('error', () => {});
  deaf.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await cut.opened;
  unsubscribe('net.server.socket', onAccepted);
  deaf.destroy();
  expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
});

test('neither the server nor a connection to it keeps the process alive', async () => {
  const script = `
    import { connect } from 'node:net';
    import { createMetricsServer, createRegistry, createRuntimeMetrics } from '@osforge/perf';
    const registry = createRegistry();
    createRuntimeMetrics(registry, { owner: 'the script', folders: ['/'] }).start();
    const server = await createMetricsServer(registry, { port: 0 });
    const socket = connect(server.port, server.host);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.unref();
    console.log((await fetch(server.url)).status);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@osforge/source', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..') },
  );
  expect(stdout).toBe('200\n');
});
