import { chmod, lstat, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RuntimeDirError, SocketPathTooLongError } from './errors.ts';

/** `sockaddr_un.sun_path` has 108 bytes on Linux, one of them for the end of the string. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Makes a new private folder (0700) with a short path for a machine's sockets: under XDG_RUNTIME_DIR if that is set,
 * else under the system's temporary folder. The caller removes it.
 */
export async function createRuntimeDir(options: { parent?: string; prefix?: string } = {}): Promise<string> {
  const parent = options.parent ?? (process.env['XDG_RUNTIME_DIR'] || tmpdir());
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, options.prefix ?? 'osforge-'));
}

/** Makes `path` if it is missing, and makes sure that nobody else can reach into it. */
export async function ensureRuntimeDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const stat = await lstat(path);
  if (!stat.isDirectory()) throw new RuntimeDirError(path, 'it is not a folder');
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid)
    throw new RuntimeDirError(path, `it belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) await chmod(path, 0o700);
}

/** The path of a socket in `folder`. @throws SocketPathTooLongError */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new SocketPathTooLongError(path, MAX_SOCKET_PATH_BYTES);
  }
  return path;
}
