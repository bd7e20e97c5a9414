import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const xattrScript = `
import os, sys, struct
root = sys.argv[1]
def put(path, name, value): os.setxattr(os.path.join(root, path), name, value, follow_symlinks=False)
put('plain', 'user.comment', b'hello')
put('plain', 'user.large', b'x' * 600)
put('setuid', 'security.capability', struct.pack('<IIIII', 0x02000001, 0x2000, 0, 0, 0))
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in [(1,6,0xffffffff),(2,4,1000),(4,4,0xffffffff),(8,5,2000),(0x10,5,0xffffffff),(0x20,0,0xffffffff)])
put('plain', 'system.posix_acl_access', acl)
put('folder', 'system.posix_acl_default', acl)
put('folder', 'trusted.note', b'\\x00\\xff')
`;

/** As root: a tree with everything that an ext4 can hold and mkfs.ext4 -d copies. */
export async function makeRichTree(
  root: string,
  options: { entries?: number; fragments?: number; sparseBytes?: number } = {},
): Promise<void> {
  const at = (path: string): string => join(root, path);
  mkdirSync(at('folder/deep/er'), { recursive: true });
  mkdirSync(at('many'));
  writeFileSync(at('plain'), 'plain text\n');
  writeFileSync(at('empty'), '');
  writeFileSync(at('setuid'), '#!/bin/true\n');
  writeFileSync(at('folder/block'), Buffer.alloc(4096, 7));
  writeFileSync(at('folder/odd'), Buffer.alloc(1_234_567, 'odd'));
  writeFileSync(at('folder/deep/er/ünï – 日本語 🐧'), 'unicode');
  writeFileSync(at(`folder/${'n'.repeat(255)}`), 'long name');
  writeFileSync(at('sparse'), 'start');
  truncateSync(at('sparse'), options.sparseBytes ?? 400_000_000);
  // Thousands of separate data blocks: the extent tree needs inner nodes.
  const fragmented = openSync(at('fragmented'), 'w');
  for (let index = 0; index < (options.fragments ?? 1500); index += 1)
    writeSync(fragmented, Buffer.alloc(4096, (index % 251) + 1), 0, 4096, index * 3 * 4096);
  closeSync(fragmented);
  for (let index = 0; index < (options.entries ?? 5000); index += 1)
    writeFileSync(at(`many/entry-${index}`), index % 100 === 0 ? String(index) : '');
  linkSync(at('plain'), at('folder/hard-link'));
  symlinkSync('plain', at('fast-link'));
  symlinkSync(`/${'long/'.repeat(40)}target`, at('slow-link'));
  symlinkSync('x'.repeat(60), at('sixty-link'));
  symlinkSync('y'.repeat(59), at('fifty-nine-link'));
  execFileSync('mkfifo', [at('fifo')]);
  execFileSync('mknod', [at('char'), 'c', '5', '1']);
  execFileSync('mknod', [at('block-device'), 'b', '259', '70000']);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  // Closing the server would remove the socket: keep its node by a second name.
  linkSync(at('socket'), at('socket-kept'));
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  execFileSync('python3', ['-c', xattrScript, root]);
  chownSync(at('plain'), 1000, 70_000);
  lchownSync(at('fast-link'), 33, 33);
  chownSync(at('setuid'), 0, 0);
  chmodSync(at('setuid'), 0o4755);
  chmodSync(at('folder'), 0o3775);
  chmodSync(at('many'), 0o1777);
  utimesSync(at('empty'), 1_000_000_000, 1_000_000_000);
}
