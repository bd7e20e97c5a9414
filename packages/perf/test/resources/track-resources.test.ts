import { EventEmitter } from 'node:events';
import { unwatchFile, watch as watchFolder, watchFile } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createResourceTracker, ResourceLeakError, runAsOwner, trackResources } from '@osforge/perf';

test('finds what was opened since, under the owner in whose name it ran, also after an await', async () => {
  using watch = trackResources({ owner: () => 'nobody' });
  const timers: NodeJS.Timeout[] = [];
  await runAsOwner('plugin', async () => {
    await Promise.resolve();
    timers.push(setTimeout(() => {}, 3_600_000));
  });
  createResourceTracker()
    .own('daemon')
    .run(() => timers.push(setInterval(() => {}, 3_600_000)));
  timers.push(setTimeout(() => {}, 3_600_000));
  const open = watch.open().filter(({ openedAt = '' }) => openedAt.includes('track-resources.test.ts'));
  expect(open).toMatchObject([
    { owner: 'plugin', kind: 'timer', detail: 'timeout of 3600000 ms' },
    { owner: 'daemon', kind: 'timer', detail: 'interval of 3600000 ms' },
    { owner: 'nobody', kind: 'timer', detail: 'timeout of 3600000 ms' },
  ]);
  expect(open[2]?.openedAt).toContain('track-resources.test.ts');
  for (const timer of timers) clearTimeout(timer);
});

test('finds watchers of files by their owner and place, also where others have ended meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watchers-'));
  const old = watchFolder(folder);
  using watch = trackResources({ foreignFrame: /node_modules/ });
  const file = join(folder, 'file');
  runAsOwner('catalogue', () => {
    watchFile(file, () => {});
  });
  const folders = [watchFolder(folder), watchFolder(folder, { persistent: false })];
  old.close();
  expect(watch.open()).toMatchObject([
    { owner: 'catalogue', kind: 'watcher', detail: 'fs.watchFile' },
    { owner: 'unknown', kind: 'watcher', detail: 'fs.watch' },
  ]);
  expect(watch.open()[0]?.openedAt).toContain('track-resources.test.ts');
  unwatchFile(file);
  for (const one of folders) one.close();
  await watch.assertNoLeaks({ timeoutMs: 60_000 });
  await rm(folder, { recursive: true });
});

test('finds listeners on the emitters it was given, once each, and not those from before', async () => {
  const emitter = new EventEmitter();
  const before = (): void => {};
  const after = (): void => {};
  emitter.on('change', before);
  using watch = trackResources({ emitters: [emitter], foreignFrame: /node_modules/ });
  emitter.on('change', before);
  emitter.once('other', after);
  const listeners = (): string[] =>
    watch.open().flatMap(({ kind, detail }) => (kind === 'listener' ? [detail] : []));
  expect(listeners()).toEqual(['change on EventEmitter', 'other on EventEmitter']);
  await expect(watch.assertNoLeaks({ timeoutMs: 1 })).rejects.toBeInstanceOf(ResourceLeakError);
  emitter.off('change', before);
  emitter.emit('other');
  expect(listeners()).toEqual([]);
  watch.stop();
  expect(emitter.eventNames()).toEqual(['change']);
});

test('waits for what is already ending, and stops at an abort', async () => {
  using watch = trackResources({ foreignFrame: /node_modules/ });
  setTimeout(() => {}, 20);
  await watch.assertNoLeaks({ timeoutMs: 60_000 });
  const timer = setTimeout(() => {}, 3_600_000);
  const abort = new AbortController();
  const waiting = watch.assertNoLeaks({ timeoutMs: 60_000, signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  clearTimeout(timer);
});

test('leaves out what is meant to stay', async () => {
  const emitter = new EventEmitter();
  using watch = trackResources({
    emitters: [emitter],
    foreignFrame: /node_modules/,
    except: ({ kind, detail }) => kind === 'listener' && detail.startsWith('stays '),
  });
  emitter.on('stays', () => {});
  await watch.assertNoLeaks({ timeoutMs: 1 });
  emitter.on('other', () => {});
  await expect(watch.assertNoLeaks({ timeoutMs: 1 })).rejects.toMatchObject({ leaks: [{ count: 1 }] });
});
