import { findProgram } from '../find-program.ts';
import { probe } from './probe.ts';
import { childScript, firstProcessScript, namespaceScript, reaperScript } from './scripts.ts';

/**
 * How a program is kept from outliving us.
 *
 * - `parent-death-signal`: the kernel kills the program when we die. What the program started is not covered.
 * - `pid-namespace`: the whole tree is in a process namespace (needs root), which the kernel kills as one.
 * - `user-pid-namespace`: the same for an unprivileged user; inside it only the user's own id exists, so
 *   `newuidmap` (`mmdebstrap --mode=unshare`) does not work there.
 * - `reaper`: a small Perl process adopts every orphan of the tree and kills all of it when we die. Changes
 *   nothing for the program; does not help if the reaper itself is killed by SIGKILL.
 * - `none`: nothing could be done; the program is killed only by a running parent.
 */
export type ContainmentMechanism =
  'parent-death-signal' | 'pid-namespace' | 'user-pid-namespace' | 'reaper' | 'none';

/** The mechanism in use, and, if it is not the best one for what was asked, why. */
export interface Containment {
  mechanism: ContainmentMechanism;
  reason?: string;
}

/** A command line that runs the program contained. */
export interface ContainedCommand {
  program: string;
  args: readonly string[];
  containment: Containment;
}

/** What to contain, and how. */
export interface ContainOptions {
  lifetime: 'child' | 'tree';
  /** A mechanism for `tree` to be tried before the best one. */
  mechanism?: Exclude<ContainmentMechanism, 'parent-death-signal' | 'none'> | undefined;
  /** A /proc of its own for a tree in a process namespace. */
  mountProc: boolean;
}

/** The number of the prctl system call, which Perl has to be told. */
const prctlNumber: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 157,
  arm64: 167,
  riscv64: 167,
};

type Attempt = ContainedCommand | { refused: string };

function withParentDeathSignal(script: string, args: readonly string[]): Attempt {
  const setpriv = findProgram('setpriv');
  const shell = findProgram('sh');
  if (setpriv === undefined || shell === undefined) return { refused: 'setpriv (util-linux) is missing' };
  return {
    program: setpriv,
    args: ['--pdeathsig', 'KILL', '--', shell, '-c', script, 'sh', String(process.pid), ...args],
    containment: { mechanism: 'parent-death-signal' },
  };
}

function withNamespace(command: readonly string[], user: boolean, mountProc: boolean): Attempt {
  const unshare = findProgram('unshare');
  const shell = findProgram('sh');
  if (unshare === undefined || shell === undefined) return { refused: 'unshare (util-linux) is missing' };
  const flags = [...(user ? ['--user', '--map-current-user'] : []), ...(mountProc ? ['--mount'] : [])];
  const refused = probe(unshare, [...flags, '--pid', '--fork', '--kill-child=KILL', shell, '-c', ':']);
  if (refused !== undefined) return { refused };
  const mount = mountProc ? (findProgram('mount') ?? 'mount') : undefined;
  const script = namespaceScript({ unshare, shell, user, mount });
  const outer = withParentDeathSignal(script, [firstProcessScript({ mount }), ...command]);
  if ('refused' in outer) return outer;
  return { ...outer, containment: { mechanism: user ? 'user-pid-namespace' : 'pid-namespace' } };
}

function withReaper(command: readonly string[]): Attempt {
  const perl = findProgram('perl');
  const prctl = prctlNumber[process.arch];
  if (process.platform !== 'linux' || prctl === undefined) {
    return { refused: `there is no reaper for ${process.platform} on ${process.arch}` };
  }
  if (perl === undefined) return { refused: 'perl is missing' };
  return {
    program: perl,
    args: ['-e', reaperScript, '--', String(process.pid), String(prctl), ...command],
    containment: { mechanism: 'reaper' },
  };
}

function containTree(command: readonly string[], options: ContainOptions): Attempt {
  const attempts = {
    'pid-namespace': () => withNamespace(command, false, options.mountProc),
    'user-pid-namespace': () => withNamespace(command, true, options.mountProc),
    reaper: () => withReaper(command),
  };
  // Without root the reaper comes first: a user namespace with one id breaks programs that need more.
  const best =
    process.geteuid?.() === 0
      ? (['pid-namespace', 'reaper'] as const)
      : (['reaper', 'user-pid-namespace'] as const);
  const order = new Set([...(options.mechanism === undefined ? [] : [options.mechanism]), ...best]);
  const reasons: string[] = [];
  for (const mechanism of order) {
    const attempt = attempts[mechanism]();
    if (!('refused' in attempt)) {
      if (reasons.length === 0) return attempt;
      return { ...attempt, containment: { mechanism, reason: reasons.join('; ') } };
    }
    reasons.push(`${mechanism}: ${attempt.refused}`);
  }
  return { refused: reasons.join('; ') };
}

/** The command line that runs `program` (an absolute path) so that it does not outlive this process. */
export function contain(program: string, args: readonly string[], options: ContainOptions): ContainedCommand {
  const command = [program, ...args];
  const tree = options.lifetime === 'tree' ? containTree(command, options) : undefined;
  if (tree !== undefined && !('refused' in tree)) return tree;
  const child = withParentDeathSignal(childScript, command);
  const reasons = tree === undefined ? [] : [tree.refused];
  if ('refused' in child) {
    return {
      program,
      args,
      containment: { mechanism: 'none', reason: [...reasons, child.refused].join('; ') },
    };
  }
  if (reasons.length === 0) return child;
  return { ...child, containment: { mechanism: 'parent-death-signal', reason: reasons.join('; ') } };
}
