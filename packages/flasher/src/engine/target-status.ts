import type { FlasherError } from '../errors.ts';
import type { AdaptiveDepth } from './adaptive-depth.ts';
import { Speed, type TargetProgress, type TargetState } from './progress.ts';
import type { Member } from './shared-window.ts';

export interface TargetStatusOptions {
  readonly id: string;
  readonly path: string;
  readonly depth: AdaptiveDepth;
  readonly member: Member;
  /** Undefined while it is not known. */
  readonly imageSize: () => number | undefined;
  /** Clock in milliseconds. */
  readonly now: () => number;
  /** Called after each change. */
  readonly changed: () => void;
}

/** What a target is doing and how far it is. */
export class TargetStatus {
  readonly #options: TargetStatusOptions;
  readonly #speed: Speed;
  #state: TargetState = 'waiting';
  #error: TargetProgress['error'];
  #doneBytes = 0;
  #verifiedBytes = 0;
  #wroteBytes = 0;

  constructor(options: TargetStatusOptions) {
    this.#options = options;
    this.#speed = new Speed(options.now);
  }

  enter(state: TargetState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.changed();
  }

  /** So much more of the image is on the target, and so much of it had to be written. */
  done(imageBytes: number, wroteBytes: number): void {
    this.#doneBytes += imageBytes;
    this.#wroteBytes += wroteBytes;
    this.#speed.update(this.#doneBytes);
    this.#options.changed();
  }

  /** So much more was read back and is right. */
  verified(imageBytes: number): void {
    this.#verifiedBytes += imageBytes;
    this.#options.changed();
  }

  failed(state: 'failed' | 'cancelled', error: unknown): void {
    this.#error = describe(error);
    this.enter(state);
  }

  get wroteBytes(): number {
    return this.#wroteBytes;
  }

  get progress(): TargetProgress {
    const { id, path, depth, member, imageSize } = this.#options;
    const totalBytes = imageSize();
    const { bytesPerSecond } = this.#speed;
    const leftBytes = totalBytes === undefined ? undefined : totalBytes - this.#doneBytes;
    const canTell = leftBytes !== undefined && bytesPerSecond > 0;
    return {
      id,
      path,
      state: this.#state,
      doneBytes: this.#doneBytes,
      verifiedBytes: this.#verifiedBytes,
      totalBytes,
      bytesPerSecond,
      etaMs: canTell ? Math.round((1000 * leftBytes) / bytesPerSecond) : undefined,
      behind: !member.attached,
      queueDepth: depth.current,
      error: this.#error,
    };
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  // Errors of this package and of the system have a code.
  const { code } = error as Partial<FlasherError>;
  return { code: code ?? 'UNKNOWN', message: error.message };
}
