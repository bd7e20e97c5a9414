import { readFile } from 'node:fs/promises';
import { run } from '@osforge/process';
import {
  currentUser,
  freeRangeStart,
  neededIds,
  readSubordinateIds,
  userNamespaceArguments,
  type UserIdentity,
} from '../build/user-namespace.ts';
import type { PreflightCheck } from '../errors.ts';
import { isExecutable } from './is-executable.ts';

const name = 'user namespaces';
const why = 'let a user who is not root unpack an operating system';

/** Whether a user who is not root can unpack an operating system in a user namespace. */
export async function checkNamespaces(user: UserIdentity = currentUser()): Promise<PreflightCheck> {
  if (user.uid === 0) return { name, why, ok: true, detail: 'not needed by root' };
  const problems: string[] = [];
  const commands: string[] = [];
  if (!(await isExecutable('newuidmap')) || !(await isExecutable('newgidmap'))) {
    problems.push('newuidmap and newgidmap are missing');
    commands.push('apt-get install --no-install-recommends uidmap');
  }
  const { uids, gids } = await readSubordinateIds(user);
  const lacking = [
    ...((uids?.count ?? 0) < neededIds ? ['user ids in /etc/subuid'] : []),
    ...((gids?.count ?? 0) < neededIds ? ['group ids in /etc/subgid'] : []),
  ];
  if (lacking.length > 0) {
    problems.push(`${user.name} has no range of 65536 subordinate ${lacking.join(' and ')}`);
    commands.push(await rangeCommand(user.name));
  }
  if (problems.length > 0) {
    return { name, why, ok: false, detail: problems.join('; '), remedy: `as root: ${commands.join(' && ')}` };
  }
  try {
    const mapping = (await userNamespaceArguments()) ?? [];
    await run('unshare', ['--user', ...mapping, '--mount', '--pid', '--fork', '--', 'true'], {
      timeoutMs: 10_000,
    });
    return { name, why, ok: true, detail: `${user.name} may make them` };
  } catch (error) {
    return {
      name,
      why,
      ok: false,
      detail: `the system refuses them: ${error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error)}`,
      remedy:
        'Allow them (as root: sysctl kernel.unprivileged_userns_clone=1 or ' +
        'kernel.apparmor_restrict_unprivileged_userns=0, where the kernel has these), or build as root.',
    };
  }
}

/** A range that no other user has: whoever shares one can change the files of the other's images. */
async function rangeCommand(user: string): Promise<string> {
  const texts = await Promise.all(
    ['/etc/subuid', '/etc/subgid'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const first = freeRangeStart(texts);
  const range = `${first}-${first + 65_535}`;
  return `usermod --add-subuids ${range} --add-subgids ${range} ${user}`;
}
