import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { openAptWorkspace, type AptWorkspace } from '../../src/packages/apt-workspace.ts';
import type { PackageSource } from '../../src/packages/package-source.ts';

// apt starts a dozen processes for each request, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const fixtures = join(import.meta.dirname, 'fixtures');
export const archiveKey: string = join(fixtures, 'archive.gpg');

/** A folder that goes away with the test; readable for apt's own user. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-apt-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of the signed test archive that a test may damage. */
export async function archiveCopy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'archive');
  await cp(join(fixtures, 'archive'), folder, { recursive: true });
  return folder;
}

/** A workspace of one suite of an archive, with none of the machine's settings. */
export async function workspaceOf(
  uri: string,
  {
    suite = 'good',
    lockTimeoutMs = 60_000,
    directory,
    isOnlyUser = false,
  }: { suite?: string; lockTimeoutMs?: number; directory?: string; isOnlyUser?: boolean } = {},
): Promise<AptWorkspace> {
  const source: PackageSource = { uri, suite, components: ['main'], signedBy: archiveKey };
  return openAptWorkspace({
    directory: directory ?? (await temporaryFolder()),
    sources: [source],
    settings: ['Acquire::Retries "0";', 'Acquire::http::Proxy "DIRECT";'],
    lockTimeoutMs,
    isOnlyUser,
  });
}

/** Serves a folder on loopback; `intercept` may answer instead and says whether it did. */
export async function serve(
  folder: string,
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false,
): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      if (await intercept(request, response)) return;
      const content = await readFile(join(folder, decodeURIComponent(request.url ?? ''))).catch(
        () => undefined,
      );
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (content === undefined) response.writeHead(404).end();
      else if (from > 0 && from < content.length)
        response
          .writeHead(206, { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` })
          .end(content.subarray(from));
      else response.writeHead(200, { 'content-length': content.length }).end(content);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}
