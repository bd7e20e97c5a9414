import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import {
  createEventBus,
  isTransientEventBusError,
  JournalInvalidError,
  JournalSequenceError,
  JournalVersionError,
  JournalWriteError,
  openJournal,
  readJournal,
  type AppendTarget,
  type BusEvent,
  type DroppedEvents,
} from '@osforge/event-bus';

import { testFolder } from './folder.ts';

type Events = { tick: { n: number; text?: string } };

const folder = await testFolder();
let files = 0;
const newPath = (): string => join(folder, `${(files += 1)}.ndjson`);
const now = (): number => Date.UTC(2026, 0, 31);

async function readAll(path: string): Promise<BusEvent[]> {
  const events: BusEvent[] = [];
  for await (const event of readJournal(path)) events.push(event);
  return events;
}

async function write(path: string, texts: readonly string[]): Promise<number> {
  const journal = await openJournal(path);
  const bus = createEventBus<Events>({ now });
  journal.attach(bus);
  for (const [n, text] of texts.entries()) bus.publish('test', 'tick', { n, text });
  await journal.close();
  return journal.lastSeq;
}

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('a journal', () => {
  test('is one JSON line for each event, and numbers go on when it is opened again', async () => {
    const path = newPath();
    expect(await write(path, ['a\nb', '\u2028\u2029\r'])).toBe(2);
    expect(await write(path, ['c'])).toBe(3);
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe(
      '{"v":1,"seq":1,"time":"2026-01-31T00:00:00.000Z","source":"test","type":"tick","data":{"n":0,"text":"a\\nb"}}',
    );
    const events = await readAll(path);
    expect(events.map((event) => [event.seq, event.data['text']])).toEqual([
      [1, 'a\nb'],
      [2, '\u2028\u2029\r'],
      [3, 'c'],
    ]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('has what was published before it was attached, as far as it is kept', async () => {
    const path = newPath();
    const bus = createEventBus<Events>({ replaySize: 2 });
    for (let n = 1; n <= 5; n += 1) bus.publish('test', 'tick', { n });
    const dropped: DroppedEvents[] = [];
    const journal = await openJournal(path, { onDropped: (range) => dropped.push(range) });
    journal.attach(bus);
    await journal.close();
    const range = { count: 3, firstSeq: 1, lastSeq: 3, reason: 'late-attach' };
    expect(dropped).toEqual([range]);
    const events = await readAll(path);
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [3, 'journal.dropped'],
      [4, 'tick'],
      [5, 'tick'],
    ]);
    expect(events[0]).toMatchObject({ source: 'event-bus', data: range });
  });

  test('refuses a bus that has used its numbers, unless the bus was told', async () => {
    const path = newPath();
    await write(path, ['a', 'b']);
    const journal = await openJournal(path);
    const late = createEventBus<Events>();
    late.publish('test', 'tick', { n: 1 });
    expect(() => journal.attach(late)).toThrow(JournalSequenceError);
    const told = createEventBus<Events>({ afterSeq: journal.lastSeq });
    told.publish('test', 'tick', { n: 1 });
    journal.attach(told);
    await journal.close();
    expect((await readAll(path)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('stops at detach and refuses events after close', async () => {
    const path = newPath();
    const journal = await openJournal(path);
    const bus = createEventBus<Events>();
    const detach = journal.attach(bus);
    const event = bus.publish('test', 'tick', { n: 1 });
    detach();
    bus.publish('test', 'tick', { n: 2 });
    await journal.close();
    await journal.close();
    expect(() => {
      journal.append(event);
    }).toThrow(JournalWriteError);
    expect(await readAll(path)).toEqual([event]);
  });
});

describe('a torn end', () => {
  test('of every length is moved aside, and the numbers go on', { timeout: 300_000 }, async () => {
    const original = newPath();
    await write(original, ['one', 'zwei €', 'three']);
    const whole = await readFile(original);
    const second = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1;
    for (let size = second; size <= whole.length; size += 1) {
      const path = newPath();
      await writeFile(path, whole);
      await truncate(path, size);
      // Without its line end the third event is whole all the same.
      const events = size >= whole.length - 1 ? 3 : 2;
      const journal = await openJournal(path);
      expect(journal.lastSeq).toBe(events);
      expect(journal.tornBytes).toBe(events === 3 ? 0 : size - second);
      await journal.close();
      expect(await write(path, ['next'])).toBe(events + 1);
      expect((await readAll(path)).map(({ seq }) => seq)).toEqual(events === 3 ? [1, 2, 3, 4] : [1, 2, 3]);
      const aside = await readFile(`${path}.torn`).catch(() => undefined);
      expect(aside?.toString()).toBe(
        journal.tornBytes === 0 ? undefined : `${whole.subarray(second, size).toString()}\n`,
      );
    }
  });

  test.each([
    ['zeros after a power failure', Buffer.alloc(100_000)],
    ['several bad lines', Buffer.from('{"v":1,"seq":\nnot json\n\n{}\n')],
    ['a long line without an end', Buffer.alloc(5_000_000, 'x')],
    ['an unfinished character', Buffer.from([0x7b, 0x22, 0xe2, 0x82])],
  ])('of %s is moved aside', async (_name, garbage) => {
    const path = newPath();
    await write(path, ['x'.repeat(200_000)]);
    const whole = await readFile(path);
    await appendFile(path, garbage);
    const journal = await openJournal(path);
    await journal.close();
    expect(journal).toMatchObject({ lastSeq: 1, tornBytes: garbage.length });
    expect((await readFile(path)).equals(whole)).toBe(true);
    expect((await readFile(`${path}.torn`)).subarray(0, -1).equals(garbage)).toBe(true);
  });

  test('may be all there is', async () => {
    const path = newPath();
    await writeFile(path, '{"v":1');
    expect(await write(path, ['first'])).toBe(1);
    expect(await readFile(`${path}.torn`, 'utf8')).toBe('{"v":1\n');
  });

  test('is no event for a reader, and the reader is told', async () => {
    const path = newPath();
    await write(path, ['a']);
    await appendFile(path, '{"v":1,');
    const torn: string[] = [];
    const events: BusEvent[] = [];
    for await (const event of readJournal(path, {
      onTorn: (bytes) => torn.push(Buffer.from(bytes).toString()),
    })) {
      events.push(event);
    }
    expect([events.length, torn]).toEqual([1, ['{"v":1,']]);
  });
});

describe('what cannot be read', () => {
  test('within a journal is refused with its place, after the events before it', async () => {
    const path = newPath();
    await write(path, ['a']);
    const [line = ''] = (await readFile(path, 'utf8')).split('\n');
    const bad = [
      ['garbage', 'it is not JSON'],
      ['[]', 'it is not an object'],
      [line.replace('"seq":1', '"seq":"1"'), 'seq is not a whole number'],
      [line.replace('"source":"test"', '"source":7'), 'source is not a text'],
      [line.replace(/"data":.*/, '"data":[]}'), 'data is not an object'],
      [line.replace('"v":1', '"v":2'), 'its version is 2, this program reads version 1'],
    ] as const;
    for (const [text, reason] of bad) {
      await writeFile(path, `${line}\n${text}\n${line}\n`);
      const seen: BusEvent[] = [];
      const reading = (async () => {
        for await (const event of readJournal(path)) seen.push(event);
      })();
      const error = await caught(reading);
      expect(error).toBeInstanceOf(JournalInvalidError);
      expect(error).toMatchObject({ path, line: 2, offset: line.length + 1, reason });
      expect(seen).toHaveLength(1);
    }
  });

  test('because a newer program wrote it is refused and not touched', async () => {
    const path = newPath();
    await writeFile(path, '{"v":2,"seq":9,"new":true}\n');
    const error = await caught(openJournal(path));
    expect(error).toBeInstanceOf(JournalVersionError);
    expect(error).toMatchObject({ code: 'EVENT_BUS_JOURNAL_VERSION', version: 2 });
    expect(await readFile(path, 'utf8')).toBe('{"v":2,"seq":9,"new":true}\n');
  });

  test('stops when the signal fires', async () => {
    const path = newPath();
    await write(path, ['a']);
    const reason = new Error('enough');
    const reading = readJournal(path, { signal: AbortSignal.abort(reason) }).next();
    expect(await caught(reading)).toBe(reason);
  });
});

describe('faults', () => {
  test('a full queue says how much it dropped, in the journal and to the caller', async () => {
    const path = newPath();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = (file: AppendTarget): AppendTarget => ({
      write: async (...args) => {
        await gate;
        return file.write(...args);
      },
      truncate: (length) => file.truncate(length),
      datasync: () => file.datasync(),
    });
    const dropped: DroppedEvents[] = [];
    const journal = await openJournal(path, {
      maxQueueBytes: 1000,
      target: slow,
      onDropped: (range) => dropped.push(range),
    });
    const bus = createEventBus<Events>({ replaySize: 0 });
    journal.attach(bus);
    for (let n = 1; n <= 100; n += 1) bus.publish('test', 'tick', { n });
    const lost = journal.dropped;
    expect(lost).toBeGreaterThan(80);
    open();
    await journal.flush();
    bus.publish('test', 'tick', { n: 101 });
    await journal.close();
    const range = { count: lost, firstSeq: 101 - lost, lastSeq: 100, reason: 'overflow' };
    expect(dropped).toEqual([range]);
    const events = await readAll(path);
    expect(events).toHaveLength(100 - lost + 2);
    expect(events.at(-2)).toMatchObject({ seq: 100, type: 'journal.dropped', data: range });
    expect(events.at(-1)).toMatchObject({ seq: 101, data: { n: 101 } });
  });

  test('a write that fails in part is done again at its place', async () => {
    const path = newPath();
    let failing = true;
    const journal = await openJournal(path, {
      target: (file) => ({
        write: async (buffer, offset, length, position) => {
          if (!failing) return file.write(buffer, offset, length, position);
          if (length > 10) return file.write(buffer, offset, length - 10, position);
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
        truncate: (length) => file.truncate(length),
        datasync: () => file.datasync(),
      }),
    });
    const bus = createEventBus<Events>();
    journal.attach(bus);
    bus.publish('test', 'tick', { n: 1 });
    const error = await caught(journal.flush());
    expect(error).toBeInstanceOf(JournalWriteError);
    expect(error).toMatchObject({ code: 'EVENT_BUS_JOURNAL_WRITE', path, errno: 'ENOSPC', pending: 1 });
    expect(isTransientEventBusError(error)).toBe(true);
    failing = false;
    bus.publish('test', 'tick', { n: 2 });
    await journal.close();
    expect((await readAll(path)).map(({ data }) => data['n'])).toEqual([1, 2]);
  });

  test('a failed sync is not tried again', async () => {
    let syncs = 0;
    const journal = await openJournal(newPath(), {
      target: (file) => ({
        write: (...args) => file.write(...args),
        truncate: (length) => file.truncate(length),
        datasync: () => {
          syncs += 1;
          return Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }));
        },
      }),
    });
    const first = await caught(journal.flush());
    expect(first).toMatchObject({ errno: 'EIO' });
    expect(isTransientEventBusError(first)).toBe(false);
    expect(await caught(journal.close())).toMatchObject({ errno: 'EIO' });
    expect(syncs).toBe(1);
  });

  test('a full disk keeps what was written, and goes on when there is space (needs root)', async () => {
    const mount = join(folder, 'small');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount]);
    try {
      await writeFile(join(mount, 'filler'), Buffer.alloc(128 * 1024));
      const path = join(mount, 'journal.ndjson');
      const journal = await openJournal(path);
      const bus = createEventBus<Events>();
      journal.attach(bus);
      for (let n = 1; n <= 300; n += 1) bus.publish('test', 'tick', { n, text: 'x'.repeat(500) });
      expect(await caught(journal.flush())).toMatchObject({ errno: 'ENOSPC' });
      await rm(join(mount, 'filler'));
      bus.publish('test', 'tick', { n: 301 });
      await journal.close();
      expect((await readAll(path)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 301 }, (_, n) => n + 1),
      );
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});
