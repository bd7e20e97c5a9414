import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'vitest';
import { cli, repository } from '../support/run-cli.ts';
import { test } from '../support/temporary.ts';

test('a port that is taken is told before the build starts', async ({ folder }) => {
  const holder = createServer();
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  // A server that listens on a TCP port has such an address.
  const { port } = holder.address() as AddressInfo;
  const recipe = path.join(repository, 'recipes/debian-no-apps.yaml');
  const { code, stdout, stderr } = await cli([
    ...['build-image', recipe, '--out', folder],
    ...['--metrics-port', String(port)],
  ]);
  holder.close();
  await once(holder, 'close');
  expect(stderr).toContain(`--metrics-port: 127.0.0.1:${port} is taken by another program`);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});
