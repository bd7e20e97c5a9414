import { nodeFileSystem, type FileSystem, type OpenFile } from '@osforge/flush';

/** An error as a system call gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: forced`), { code });
}

export type Call =
  'open' | 'read' | 'write' | 'chmod' | 'chown' | 'sync' | 'datasync' | 'close' | 'rename' | 'unlink';

export interface FaultFileSystem extends FileSystem {
  /** What was called, such as `sync /tmp/x`, in order. */
  readonly calls: string[];
  /** How often a call was made. */
  count(call: Call): number;
}

/**
 * The real file system with a record of its calls. `fault` is asked before each call: what it throws, the
 * call throws; what it returns, the call waits for.
 */
export function faultFileSystem(
  fault: (call: Call, path: string, flags: number) => Promise<void> | undefined,
): FaultFileSystem {
  const calls: string[] = [];
  const meet = async (call: Call, path: string, flags = 0): Promise<void> => {
    calls.push(`${call} ${path}`);
    await fault(call, path, flags);
  };
  const wrap = (file: OpenFile, path: string): OpenFile => ({
    read: (...args) => meet('read', path).then(() => file.read(...args)),
    write: (...args) => meet('write', path).then(() => file.write(...args)),
    stat: () => file.stat(),
    chmod: (mode) => meet('chmod', path).then(() => file.chmod(mode)),
    chown: (uid, gid) => meet('chown', path).then(() => file.chown(uid, gid)),
    sync: () => meet('sync', path).then(() => file.sync()),
    datasync: () => meet('datasync', path).then(() => file.datasync()),
    // Closed whatever happens, so that a forced error leaks nothing.
    close: () => file.close().then(() => meet('close', path)),
  });
  return {
    ...nodeFileSystem,
    calls,
    count: (call) => calls.filter((line) => line.startsWith(`${call} `)).length,
    open: async (path, flags, mode) => {
      await meet('open', path, flags);
      return wrap(await nodeFileSystem.open(path, flags, mode), path);
    },
    rename: (from, to) => meet('rename', to).then(() => nodeFileSystem.rename(from, to)),
    unlink: (path) => meet('unlink', path).then(() => nodeFileSystem.unlink(path)),
  };
}

/** Fails one kind of call with a system error, for paths that match. */
export function failing(call: Call, code: string, match = /./): FaultFileSystem {
  return faultFileSystem((made, path) => {
    if (made === call && match.test(path)) throw systemError(code);
    return undefined;
  });
}
