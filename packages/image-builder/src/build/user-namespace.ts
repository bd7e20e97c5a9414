import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

/** A block of ids of the machine that a user may give to the inside of a user namespace. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Somebody in the user database. */
export interface UserIdentity {
  readonly name: string;
  readonly uid: number;
}

/** The first range that a user has; undefined where he has none. */
export interface SubordinateIds {
  readonly uids: IdRange | undefined;
  readonly gids: IdRange | undefined;
}

/** Ids that an operating system's files belong to: 1 to 65534 (nobody); 0 becomes the user himself. */
export const neededIds = 65_534;

/** The first range of a user in subuid(5) or subgid(5): lines "name or uid:first:count". Pure. */
export function parseIdRange(text: string, user: UserIdentity): IdRange | undefined {
  for (const line of text.split('\n')) {
    const [owner, first, count] = line.trim().split(':');
    if (owner !== user.name && owner !== String(user.uid)) continue;
    const range = { first: Number(first), count: Number(count) };
    if (Number.isSafeInteger(range.first) && Number.isSafeInteger(range.count)) return range;
  }
  return undefined;
}

/** The first id from which on a range of 65536 is nobody's, in the contents of /etc/subuid and /etc/subgid. Pure. */
export function freeRangeStart(texts: readonly string[]): number {
  const ends = texts.flatMap((text) =>
    text.split('\n').map((line) => {
      const [, first, count] = line.trim().split(':');
      return Number(first) + Number(count);
    }),
  );
  return Math.max(100_000, ...ends.filter((end) => Number.isSafeInteger(end)));
}

/** Who we are; a user id without an entry in the user database is its own name. */
export function currentUser(): UserIdentity {
  const uid = process.getuid?.() ?? -1;
  try {
    return { name: userInfo().username, uid };
  } catch {
    return { name: String(uid), uid };
  }
}

export async function readSubordinateIds(user: UserIdentity = currentUser()): Promise<SubordinateIds> {
  const [uids, gids] = await Promise.all(
    ['/etc/subuid', '/etc/subgid'].map(async (file) =>
      parseIdRange(await readFile(file, 'utf8').catch(() => ''), user),
    ),
  );
  return { uids, gids };
}

/**
 * Arguments of unshare(1) for a user namespace in which the user is root, so that what the builder makes belongs to
 * him, and all other ids come from his subordinate ranges. Undefined where he has none.
 */
export async function userNamespaceArguments(): Promise<string[] | undefined> {
  const { uids, gids } = await readSubordinateIds();
  if (!uids || !gids) return undefined;
  const block = ({ first, count }: IdRange): string => `${first},1,${Math.min(count, 65_535)}`;
  return [
    '--map-user=0',
    '--map-group=0',
    `--map-users=${block(uids)}`,
    `--map-groups=${block(gids)}`,
    '--setgroups=allow',
  ];
}
