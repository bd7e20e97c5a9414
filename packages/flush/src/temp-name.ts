import { randomBytes } from 'node:crypto';
import { readProcessIdentity, type ProcessIdentity } from './process-identity.ts';

/** `.<name>.<pid>.<start>.<16 hex>.osforge-tmp`; hidden, so that listings of results do not pick it up. */
const pattern = /^\..*\.(\d+)\.(\d+)\.[0-9a-f]{16}\.osforge-tmp$/s;

/** Leaves room for the prefix and suffix within the 255 bytes that Linux allows a name. */
const maxStemBytes = 180;

/** A fresh name for the temporary file of `name`, in the same folder. */
export function tempName(name: string, owner: ProcessIdentity = readProcessIdentity()): string {
  const stem = Buffer.byteLength(name) > maxStemBytes ? shorten(name) : name;
  return `.${stem}.${owner.pid}.${owner.start}.${randomBytes(8).toString('hex')}.osforge-tmp`;
}

/** The process that made a temporary file, or undefined if `name` is not such a file. */
export function tempOwner(name: string): ProcessIdentity | undefined {
  const match = pattern.exec(name);
  return match === null ? undefined : { pid: Number(match[1]), start: Number(match[2]) };
}

/** Cuts at a whole character, so that the name stays valid UTF-8. */
function shorten(name: string): string {
  const cut = Buffer.from(name).subarray(0, maxStemBytes);
  return cut.toString('utf8').replace(/\uFFFD+$/, '');
}
