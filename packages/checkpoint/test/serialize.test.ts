import { readFileSync } from 'node:fs';
import { openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { expect, test } from 'vitest';
import { phaseRecord } from './records.ts';
import { tempDirectory } from './temp-directory.ts';

/** Deterministic, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

test('the text is plain JSON whatever was kept from earlier saves, and memory is what is on the disk', async () => {
  const directory = tempDirectory();
  const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
  const random = randomNumbers(7);
  const texts = ['', 'two\nlines', '"quoted"', 'ü\u2028€\u{1f600}', '\\', '{\n  }'];
  for (let round = 0; round < 300; round += 1) {
    const text = texts[random(texts.length)] ?? '';
    const name = `p${random(5)}`;
    const step = random(7);
    if (step === 0) await checkpoint.ledger.register('file', `${name}${text}`, { [text]: [text] });
    else if (step === 1) await checkpoint.ledger.release(checkpoint.ledger.entries()[random(3)]?.id ?? '');
    else {
      await checkpoint.update((record) => {
        if (step === 2)
          return { ...record, phases: { ...record.phases, [name]: phaseRecord({ data: { text } }) } };
        if (step === 3) return { ...record, facts: { ...record.facts, [text]: { round, list: [] } } };
        if (step === 4) return { ...record, ledger: record.ledger.toReversed() };
        if (step === 5)
          return { ...record, phases: Object.fromEntries(Object.entries(record.phases).slice(1)) };
        return { ...record, percentComplete: random(101) };
      });
    }
    const stored = readFileSync(checkpoint.path, 'utf8');
    const parsed = JSON.parse(stored) as unknown;
    expect(stored).toBe(`${JSON.stringify(parsed, null, 2)}\n`);
    expect(checkpoint.record).toStrictEqual(parsed);
    expect(await readCheckpoint({ directory, buildId: 'a' })).toEqual(checkpoint.record);
  }
  await checkpoint.close();
});

test('a part that was checked is checked again in another place, and when a secret has come to light', async () => {
  const secrets: string[] = [];
  const secretValues = () => secrets;
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a', secretValues });
  const data = { url: 'user:hunter2@host' };
  await checkpoint.update((record) => ({
    ...record,
    phases: { one: phaseRecord(), two: phaseRecord({ data }) },
  }));
  const moved = checkpoint.update((record) => ({
    ...record,
    phases: { 'not a name': Object.values(record.phases)[0] ?? phaseRecord() },
  }));
  await expect(moved).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  await checkpoint.update((record) => ({ ...record, percentComplete: 1 }));
  secrets.push('hunter2');
  const later = checkpoint.update((record) => ({ ...record, percentComplete: 2 }));
  await expect(later).rejects.toMatchObject({ code: 'CHECKPOINT_SECRET', field: 'phases.two.data.url' });
  expect(checkpoint.record.percentComplete).toBe(1);
  await checkpoint.close();
});

test('errors name the place in the whole record, not in what was new', async () => {
  const checkpoint = await openCheckpoint({
    directory: tempDirectory(),
    buildId: 'a',
    secretValues: () => ['hunter2'],
  });
  await checkpoint.ledger.register('file', '/a');
  await checkpoint.ledger.register('file', '/b');
  await expect(checkpoint.ledger.register('file', '/hunter2')).rejects.toMatchObject({
    field: 'ledger.2.resourceId',
  });
  await expect(checkpoint.ledger.register('file', '')).rejects.toMatchObject({
    issues: [expect.stringMatching(/^ledger\.2\.resourceId: /)],
  });
  await checkpoint.close();
});
