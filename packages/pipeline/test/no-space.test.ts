import { execFileSync } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointNoSpaceError } from '@osforge/checkpoint';
import { expect, onTestFinished, test } from 'vitest';
import { CommitFailedError, isTransientPipelineError } from '../src/index.ts';
import { folder, of, phase, run } from './fixture.ts';

test('as root: a full disk is a typed failure, keeps what was saved, and is resumed from when there is space', async () => {
  const directory = join(await folder(), 'tmpfs');
  await mkdir(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
  onTestFinished(() => {
    execFileSync('umount', [directory]);
  });
  const filler = join(directory, 'filler');
  const phases = (fill: boolean) => [
    phase(directory, 'a'),
    phase(directory, 'b', {
      dependsOn: ['a'],
      run: async () => {
        const { bavail, bsize } = await statfs(directory);
        if (fill) await writeFile(filler, Buffer.alloc(bavail * bsize));
        return { artifacts: [] };
      },
    }),
    phase(directory, 'c', { dependsOn: ['b'] }),
  ];

  const full = await run(directory, phases(true));
  expect(full.outcome).toBe('failed');
  expect(full.error).toMatchObject({ code: 'PIPELINE_PHASE_FAILED', phase: 'b' });
  const commit = full.error?.cause;
  expect(commit).toBeInstanceOf(CommitFailedError);
  expect(commit instanceof CommitFailedError && commit.cause).toBeInstanceOf(CheckpointNoSpaceError);
  expect(of(full.events, 'pipeline.failed')[0]).toMatchObject({ phase: 'b', code: 'CHECKPOINT_NO_SPACE' });
  expect(full.ran).toEqual(['a']);

  await rm(filler);
  const again = await run(directory, phases(false));
  expect(again).toMatchObject({ outcome: 'completed', reused: ['a'], ran: ['b', 'c'] });
});

test('whether a failure is transient is what its cause says', async () => {
  const directory = await folder();
  const busy = new Error('busy');
  const result = await run(directory, [phase(directory, 'a', { before: () => Promise.reject(busy) })]);
  expect(isTransientPipelineError(result.error, (cause) => cause === busy)).toBe(true);
  expect(isTransientPipelineError(result.error)).toBe(false);
  expect(isTransientPipelineError(busy, () => true)).toBe(false);
});
