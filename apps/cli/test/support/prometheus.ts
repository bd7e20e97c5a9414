import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** One series of an instant query. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus (Debian package `prometheus`) on a port and in a folder of its own. */
export interface Prometheus {
  query(expression: string): Promise<PrometheusSample[]>;
  /** What the query gives as soon as that is something that fits; asked again whenever samples have come in. */
  until(
    expression: string,
    fits: (samples: readonly PrometheusSample[]) => boolean,
  ): Promise<PrometheusSample[]>;
  close(): Promise<void>;
}

/** The parts that are read of an answer of its HTTP API. */
interface Answer {
  readonly data: {
    readonly result: readonly { metric: Record<string, string>; value: readonly [number, string] }[];
  };
}

/** Starts one that scrapes this URL twice a second. */
export async function startPrometheus(folder: string, scraped: string): Promise<Prometheus> {
  await mkdir(folder, { recursive: true });
  // It tells nobody that it has scraped, except whom it hands the samples on to.
  let samplesCame = (): void => {};
  const receiver = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
    samplesCame();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  // A server that listens on a TCP port has such an address.
  const { port } = receiver.address() as AddressInfo;
  const config = path.join(folder, 'prometheus.yml');
  const { host, pathname } = new URL(scraped);
  await writeFile(
    config,
    `global: { scrape_interval: 500ms, scrape_timeout: 500ms }
scrape_configs:
  - job_name: osforge
    metrics_path: ${pathname}
    static_configs: [{ targets: ['${host}'] }]
remote_write:
  - url: http://127.0.0.1:${port}/
    queue_config: { batch_send_deadline: 100ms }
`,
  );
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'close');
  let said = '';
  const gone = ended.then(() => {
    throw new Error(`prometheus ended:\n${said}`);
  });
  // Unless somebody waits for something, its end is what the test wants.
  gone.catch(() => undefined);
  const address = await Promise.race([
    gone,
    new Promise<string>((resolve) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        said += `${line}\n`;
        if (!line.includes('Server is ready')) return;
        const listening = /msg="Listening on" address=(\S+)/.exec(said)?.[1];
        if (listening !== undefined) resolve(listening);
      });
    }),
  ]);
  const query = async (expression: string): Promise<PrometheusSample[]> => {
    const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`, {
      headers: { Connection: 'close' },
    });
    // The shape of Prometheus' documented HTTP API.
    const { data } = (await response.json()) as Answer;
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  return {
    query,
    until: async (expression, fits) => {
      for (;;) {
        const next = new Promise<void>((resolve) => (samplesCame = resolve));
        const samples = await query(expression);
        if (fits(samples)) return samples;
        await Promise.race([next, gone]);
      }
    },
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      receiver.closeAllConnections();
      receiver.close();
      await once(receiver, 'close');
    },
  };
}
