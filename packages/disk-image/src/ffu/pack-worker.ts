import { answerTasks } from '../threads/answer-tasks.ts';
import { createPackBlock } from './pack-block.ts';
import type { PackResult, PackSlot } from './pack-pool.ts';

const pack = createPackBlock();
answerTasks<PackSlot, PackResult>(
  ({ block, packed }) => ({ block, packed, ...pack(block, packed) }),
  ({ block, packed }) => [block.buffer, packed.buffer],
);
