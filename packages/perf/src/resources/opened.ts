import { currentOwner } from './owner-context.ts';
import { framesOf, openedAtOf, takeStack, type StackTaken } from './opened-at.ts';
import type { OpenResource, ResourceKind } from './resource.ts';

/** What the ambient watchers share. */
export interface WatchSettings {
  /** Names who opens something outside of every `runAsOwner`. */
  readonly owner: () => string;
  /** Whether a frame is one of a host, such as a test runner. What has frames of a host only is the host's. */
  readonly isForeign: (frame: string) => boolean;
  /** Whether it is the watch's own. */
  readonly isOwn: (timer: NodeJS.Timeout) => boolean;
  /** Called when something has ended. */
  readonly onEnd: () => void;
}

/** What is known of a resource from the moment it was opened. */
export interface Opened {
  readonly kind: ResourceKind;
  readonly owner: string;
  readonly taken: StackTaken;
}

/** Note down what `below` was called for. */
export function noteOpened(
  kind: ResourceKind,
  settings: WatchSettings,
  below: (...args: never[]) => unknown,
): Opened {
  return { kind, owner: currentOwner() ?? settings.owner(), taken: takeStack(below) };
}

/** As an open resource; undefined where a foreigner opened it. Writing the frames is the slow part: only for reports. */
export function asOpen(
  { kind, owner, taken }: Opened,
  detail: string,
  settings: WatchSettings,
): OpenResource | undefined {
  const all = framesOf(taken);
  const frames = all.filter((frame) => !settings.isForeign(frame));
  if (all.length > 0 && frames.length === 0) return undefined;
  return { owner, kind, detail, openedAt: openedAtOf(frames) };
}

/** One kind of watcher. */
export interface Watcher {
  open(): OpenResource[];
  stop(): void;
}
