/** Deep enough to reach a caller behind the frames of Node and of a library. */
const frameLimit = 40;
/** What a report shows of them. */
const shownFrames = 6;

/** A stack that costs microseconds to take; V8 writes it as text only when it is read. */
export interface StackTaken {
  readonly stack?: string;
}

/** Take the stack of the caller of `below`. */
export function takeStack(below: (...args: never[]) => unknown): StackTaken {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = frameLimit;
  const taken: StackTaken = {};
  Error.captureStackTrace(taken, below);
  Error.stackTraceLimit = stackTraceLimit;
  return taken;
}

/** The frames as lines, those inside Node left out. */
export function framesOf({ stack = '' }: StackTaken): string[] {
  return stack
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !/\(?node:|\(native\)|<anonymous>\)?$/.test(line));
}

/** The frames as one text for a report; undefined where all are inside Node. */
export function openedAtOf(frames: readonly string[]): string | undefined {
  return frames.length === 0 ? undefined : frames.slice(0, shownFrames).join('\n');
}
