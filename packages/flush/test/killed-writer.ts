/* A program that writes versions of one file for ever, until it is killed. Arguments: path, and optionally the
   step before (`-sync`) or after (`+sync`) which it kills itself, as only a look from inside can hit it. */
import { nodeFileSystem, writeFileDurable, type FileSystem, type OpenFile } from '@osforge/flush';
import { content } from './versioned-content.ts';

const [path = '', dieAt = ''] = process.argv.slice(2);

const dying = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
  if (dieAt === `-${step}`) process.kill(process.pid, 'SIGKILL');
  const result = await work();
  if (dieAt === `+${step}`) process.kill(process.pid, 'SIGKILL');
  return result;
};
const wrap = (file: OpenFile): OpenFile => ({
  read: file.read.bind(file),
  stat: () => file.stat(),
  chown: file.chown.bind(file),
  datasync: () => file.datasync(),
  chmod: (mode) => dying('chmod', () => file.chmod(mode)),
  sync: () => dying('sync', () => file.sync()),
  close: () => dying('close', () => file.close()),
  // In two halves, to be killed between them.
  write: (bytes, offset, length, at) =>
    dying('write', () => file.write(bytes, offset, Math.ceil(length / 2), at)),
});
const fs: FileSystem = {
  ...nodeFileSystem,
  open: async (name, flags, mode) =>
    name.endsWith('.osforge-tmp')
      ? wrap(await dying('open', () => nodeFileSystem.open(name, flags, mode)))
      : await nodeFileSystem.open(name, flags, mode),
  rename: (from, to) => dying('rename', () => nodeFileSystem.rename(from, to)),
};

for (let version = 1; ; version += 1) {
  await writeFileDurable(path, content(version), dieAt === '' ? {} : { fs });
  // Not the next version before the other side can read of this one: a full pipe keeps the rest in this process.
  await new Promise((accepted) => process.stdout.write(`${version}\n`, accepted));
}
