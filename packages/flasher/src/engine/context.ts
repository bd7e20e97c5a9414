import type { BufferPool } from '@osforge/perf/pools';
import type { ImageSource } from '../source/source.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import type { OpenTargetOptions } from '../targets/open-target.ts';
import type { TargetHandle } from '../targets/target-handle.ts';
import type { ImageDigests } from './image-digests.ts';
import type { Layout } from './layout.ts';
import type { Semaphore } from './semaphore.ts';
import type { SharedWindow } from './shared-window.ts';

/** How targets are written. */
export interface WriteSettings {
  readonly verify: boolean;
  readonly discard: boolean;
  readonly allowPartition: boolean;
  readonly ioTimeoutMs: number;
  readonly sourceTimeoutMs: number;
  readonly journalFolder: string | undefined;
  /** The digest that the image must have. */
  readonly expectedSha256: string | undefined;
}

/** What all targets of one flash share. */
export interface FlashContext {
  readonly source: ImageSource;
  readonly layout: Layout;
  readonly window: SharedWindow;
  readonly digests: ImageDigests;
  readonly zeros: Buffer;
  /** For reading back, and for targets that read the image for themselves. */
  readonly pool: BufferPool;
  readonly readers: Semaphore;
  /** Apart from `readers`: a target that holds one of those may need this too. */
  readonly rewrites: Semaphore;
  readonly settings: WriteSettings;
  readonly open: (selected: TargetIdentity, options: OpenTargetOptions) => Promise<TargetHandle>;
  /** Clock in milliseconds. */
  readonly now: () => number;
}
