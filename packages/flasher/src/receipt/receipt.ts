import { hostname } from 'node:os';
import type { ImageFacts } from '../engine/flash-engine.ts';
import type { TargetWork } from '../engine/target-run.ts';
import { ReceiptError } from '../errors.ts';
import type { TargetIdentity } from '../targets/identity.ts';

/** What was written where, and how it was seen to be right. Plain data; exists only for a target that is complete. */
export interface FlashReceipt {
  readonly version: 1;
  readonly image: {
    readonly path: string;
    readonly format: string;
    readonly sizeBytes: number;
    /** Of the whole image; undefined if `digestWhole` was false. */
    readonly sha256: string | undefined;
  };
  readonly target: TargetIdentity;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly timings: TargetWork['timings'];
  /** Less than the size of the image where zeros were there already, or ranges from an earlier run. */
  readonly wroteBytes: number;
  readonly verification: {
    /** `none`: not asked for. `memory`: the target itself keeps its bytes in memory, and no read can prove more. */
    readonly readBack: TargetWork['readBack'];
    readonly rangeBytes: number;
    /** SHA-256 of each range of the image in order; the last one may be shorter. */
    readonly rangeSha256: readonly string[];
    readonly rewrittenRanges: readonly number[];
    readonly resumedRanges: readonly number[];
  };
}

export function makeReceipt(
  work: TargetWork,
  image: ImageFacts,
  startedAt: Date,
  finishedAt: Date,
): FlashReceipt {
  const { path, format, sizeBytes, sha256, rangeBytes, rangeSha256 } = image;
  return {
    version: 1,
    image: { path, format, sizeBytes, sha256 },
    target: work.identity,
    host: hostname(),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    timings: work.timings,
    wroteBytes: work.wroteBytes,
    verification: {
      readBack: work.readBack,
      rangeBytes,
      rangeSha256,
      rewrittenRanges: work.rewrittenRanges,
      resumedRanges: work.resumedRanges,
    },
  };
}

/** The bytes of a receipt, as they are stored and signed. */
export function formatReceipt(receipt: FlashReceipt): string {
  return `${JSON.stringify(receipt, undefined, 2)}\n`;
}

/**
 * Reads a receipt whose signature was checked, or that was just made.
 * @throws ReceiptError
 */
export function parseReceipt(text: string): FlashReceipt {
  const receipt: unknown = JSON.parse(text);
  if (typeof receipt !== 'object' || receipt === null || !('version' in receipt) || receipt.version !== 1)
    throw new ReceiptError('this is no receipt of version 1', { reason: 'format' });
  return receipt as FlashReceipt; // signed by the holder of the key, who signs nothing else with this version
}
