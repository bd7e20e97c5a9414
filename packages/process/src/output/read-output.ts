import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

import type { LineSplitter } from './split-lines.ts';
import type { SecretMask } from './mask-secrets.ts';

/** What the text of one output goes through. */
export interface OutputStages {
  mask: SecretMask;
  splitter: LineSplitter;
  /** Takes all of the text, as it comes. */
  keep: (text: string) => void;
  /** Takes complete lines. While its promise is pending nothing more is read: the program has to wait. */
  take: (lines: readonly string[]) => Promise<void>;
}

/**
 * Reads a stream to its end: bytes → UTF-8 (characters may be split over chunks; what is not UTF-8 becomes
 * U+FFFD) → secrets masked → kept end and lines. Resolves to false if the stream broke before its end.
 */
export async function readOutput(stream: Readable, stages: OutputStages): Promise<boolean> {
  const { mask, splitter, keep, take } = stages;
  const decoder = new StringDecoder('utf8');
  const pass = async (text: string): Promise<void> => {
    keep(text);
    const lines = splitter.push(text);
    if (lines.length > 0) await take(lines);
  };
  let complete = true;
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    let chunk: IteratorResult<unknown>;
    try {
      chunk = await chunks.next();
    } catch {
      // Destroyed by us after the program's end, or a broken pipe: what came until now still counts.
      complete = false;
      break;
    }
    if (chunk.done === true) break;
    // A pipe of a child process yields Buffers.
    if (Buffer.isBuffer(chunk.value)) await pass(mask.push(decoder.write(chunk.value)));
  }
  await pass(mask.push(decoder.end()) + mask.end());
  await take(splitter.end());
  return complete;
}
