import type { EngineOptions, ImageFacts } from '../engine/flash-engine.ts';
import type { TargetProgress } from '../engine/progress.ts';
import type { TargetWork } from '../engine/target-run.ts';
import type { SourceRequest } from '../source/open-source.ts';
import type { TargetIdentity } from '../targets/identity.ts';
import type { WireError } from './wire-error.ts';

/** To the process that does the input and output. One JSON line each. */
export type Command =
  | ({ readonly type: 'start'; readonly source: SourceRequest } & Pick<
      EngineOptions,
      'settings' | 'layout' | 'windowBytes' | 'digestWhole'
    >)
  | { readonly type: 'add'; readonly id: string; readonly selected: TargetIdentity }
  | { readonly type: 'cancel'; readonly id: string | undefined }
  | { readonly type: 'close' };

/** From it. */
export type Report =
  | { readonly type: 'started'; readonly sizeBytes: number | undefined; readonly format: string }
  | { readonly type: 'not-started'; readonly error: WireError }
  | { readonly type: 'progress'; readonly progress: TargetProgress }
  | { readonly type: 'complete'; readonly id: string; readonly work: TargetWork; readonly image: ImageFacts }
  | { readonly type: 'failed'; readonly id: string; readonly error: WireError };
