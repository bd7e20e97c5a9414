import type { Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

const zeros = new Uint8Array(1024 * 1024);
/** Zeros hashed between two turns of the event loop: some 10 ms. */
const turnBytes = 16 * 1024 * 1024;

/** Feeds `length` zeros to a hash from one shared array; lets other work run in between. */
export async function updateZeros(hash: Hash, length: number, signal?: AbortSignal): Promise<void> {
  for (let left = length; left > 0;) {
    const turn = Math.min(left, turnBytes);
    for (let rest = turn; rest > 0; rest -= zeros.length)
      hash.update(rest >= zeros.length ? zeros : zeros.subarray(0, rest));
    left -= turn;
    if (left > 0) await setImmediate();
    signal?.throwIfAborted();
  }
}
