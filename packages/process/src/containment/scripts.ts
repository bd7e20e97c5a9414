/** Single quotes for a POSIX shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * `sh -c` script; arguments: our process id, the program, its arguments.
 *
 * It runs after `setpriv --pdeathsig KILL`. If we died before that took effect, the kernel has nothing left to
 * tell the child; then its parent is no longer us, and it ends itself.
 */
export const childScript = '[ "$PPID" = "$1" ] || exit 143; shift; exec "$@"';

/** What the process namespace is made with. */
export interface NamespaceScriptOptions {
  unshare: string;
  shell: string;
  /** A user namespace too, which an unprivileged user needs to make a process namespace. */
  user: boolean;
  /** The absolute path of `mount`, to give the tree a /proc of its own. */
  mount: string | undefined;
}

/**
 * `sh -c` script; arguments: our process id, the script of the namespace's first process, the program, its
 * arguments. `unshare` stays as the parent, and `--kill-child` ends the namespace when it dies.
 */
export function namespaceScript(options: NamespaceScriptOptions): string {
  const flags = [
    ...(options.user ? ['--user', '--map-current-user'] : []),
    ...(options.mount === undefined ? [] : ['--mount']),
    '--pid --fork --kill-child=KILL',
  ].join(' ');
  return [
    '[ "$PPID" = "$1" ] || exit 143',
    'osforge_init=$2',
    'shift 2',
    `exec ${quote(options.unshare)} ${flags} -- ${quote(options.shell)} -c "$osforge_init" sh "$$" "$@"`,
  ].join('\n');
}

/**
 * `sh -c` script of the namespace's first process; arguments: the process id of `unshare`, the program, its
 * arguments. When it ends, the kernel kills whatever is left in the namespace.
 *
 * A program that is itself the first process would not be ended by SIGTERM unless it handles it, and would
 * have to reap orphans; therefore it runs below this shell. /proc is still the outer one here, so that it
 * tells the outer id of our parent: if `unshare` died before `--kill-child` took effect, we end ourselves.
 */
export function firstProcessScript(options: Pick<NamespaceScriptOptions, 'mount'>): string {
  return [
    'read -r osforge_1 osforge_2 osforge_3 osforge_parent osforge_4 </proc/self/stat',
    '[ "$osforge_parent" = "$1" ] || exit 143',
    'shift',
    ...(options.mount === undefined ? [] : [`${quote(options.mount)} -t proc proc /proc || exit 125`]),
    "trap ':' HUP INT TERM",
    // A shell without job control gives a background command /dev/null for stdin, unless it is told.
    'exec 9<&0',
    '"$@" <&9 9<&- &',
    'osforge_child=$!',
    // Off the program's outputs, and quiet about signals (dash reports them on stderr).
    'exec 9<&- </dev/null >/dev/null 2>&1',
    // A trapped signal ends `wait` too; then the child is still there (alive, or a zombie not waited for).
    'while :; do',
    '  wait "$osforge_child"; osforge_status=$?',
    '  kill -0 "$osforge_child" 2>/dev/null || exit "$osforge_status"',
    'done',
  ].join('\n');
}

/**
 * Perl program; arguments: our process id, the number of the prctl system call, the program, its arguments.
 *
 * It is the reaper of all that the program starts (PR_SET_CHILD_SUBREAPER), so that orphans become its
 * children. When the program ends, when we die (PR_SET_PDEATHSIG), or on SIGUSR1, it kills its children until
 * none is left, and then ends in the way in which the program did.
 */
export const reaperScript: string = `
use strict; use POSIX ();
my ($parent, $prctl) = splice(@ARGV, 0, 2);
my $blocked = POSIX::SigSet->new(POSIX::SIGUSR1, POSIX::SIGCHLD, POSIX::SIGTERM, POSIX::SIGINT, POSIX::SIGHUP);
my $open = POSIX::SigSet->new();
my $end = 0;
$SIG{USR1} = sub { $end = 1 };
$SIG{$_} = sub { } for qw(CHLD TERM INT HUP);
POSIX::sigprocmask(POSIX::SIG_BLOCK, $blocked, $open);
syscall($prctl, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
syscall($prctl, 1, POSIX::SIGUSR1, 0, 0, 0) == 0 or die "prctl: $!";
exit 143 if getppid() != $parent;
my $me = $$;
my $program = fork();
die "fork: $!" unless defined $program;
if ($program == 0) {
  $SIG{$_} = 'DEFAULT' for qw(USR1 CHLD TERM INT HUP);
  syscall($prctl, 1, POSIX::SIGKILL, 0, 0, 0);
  POSIX::_exit(143) if getppid() != $me;
  POSIX::sigprocmask(POSIX::SIG_SETMASK, $open);
  exec { $ARGV[0] } @ARGV or POSIX::_exit(127);
}
open(STDIN, '<', '/dev/null'); open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
my $status;
while (1) {
  while ((my $pid = waitpid(-1, POSIX::WNOHANG)) != 0) {
    if ($pid == -1) {
      $status = 9 unless defined $status;
      my $signal = $status & 127;
      POSIX::_exit($status >> 8) if $signal == 0;
      if ($signal != 9) {
        POSIX::sigaction($signal, POSIX::SigAction->new('DEFAULT'));
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $open);
      }
      kill($signal, $$);
      POSIX::_exit(128 + $signal);
    }
    if ($pid == $program) { $status = $?; $end = 1 }
  }
  if ($end) {
    for my $stat (glob('/proc/[0-9]*/stat')) {
      open(my $file, '<', $stat) or next;
      my $line = <$file> // '';
      next unless $line =~ /^(\\d+) \\(.*\\) (\\S) (\\d+) /s;
      kill('KILL', $1) if $3 == $$ && $2 ne 'Z';
    }
  }
  POSIX::sigsuspend($open);
}
`;
