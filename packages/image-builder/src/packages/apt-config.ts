import { access, constants } from 'node:fs/promises';
import { run } from '@osforge/process';

/** Settings of the machine that decide how archives are reached; all others are our own. */
const reaching =
  /^Acquire::(https?|ftp|tor)(::|$)|^Acquire::(Retries|Check-Valid-Until|Check-Date|Max-ValidTime|Min-ValidTime|ForceIPv[46]|Queue-Mode)(::|$)/i;

/** The machine's apt settings for proxies, certificates, retries and index dates, as configuration lines. */
export async function machineAptSettings(signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await run('apt-config', ['dump', '--no-empty', '--format', '%F "%v";%n'], {
    signal,
    timeoutMs: 30_000,
  });
  const lines = stdout.split('\n').filter((line) => reaching.test(line));
  const credentials = await Promise.all([
    readable('/etc/apt/auth.conf', 'Dir::Etc::netrc'),
    readable('/etc/apt/auth.conf.d', 'Dir::Etc::netrcparts'),
  ]);
  return [...lines, ...credentials.flat()];
}

async function readable(path: string, setting: string): Promise<string[]> {
  return access(path, constants.R_OK).then(
    () => [`${setting} "${path}";`],
    () => [],
  );
}

/** apt's configuration for a root of its own at `directory`; nothing of the system is read or written. Pure. */
export function renderAptConfig(
  directory: string,
  { settings, isRoot }: { settings: readonly string[]; isRoot: boolean },
): string {
  const own = [
    `Dir "${directory}/";`,
    `Dir::Etc "${directory}/etc/";`,
    `Dir::State "${directory}/state/";`,
    `Dir::State::status "${directory}/status";`,
    `Dir::Cache "${directory}/cache/";`,
    `Dir::Cache::pkgcache "pkgcache.bin";`,
    `Dir::Cache::srcpkgcache "srcpkgcache.bin";`,
    `Dir::Log "${directory}/log/";`,
    'APT::Architecture "amd64";',
    'APT::Architectures { "amd64"; };',
    'APT::Install-Recommends "false";',
    'APT::Install-Suggests "false";',
    'Acquire::Languages "none";',
    // Plain indexes: resolving reads parts of them, which compressed ones make slow.
    'Acquire::GzipIndexes "false";',
    'Acquire::ForceHash "sha256";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::AllowDowngradeToInsecureRepositories "false";',
    // A suite that could not be refreshed is an error, not a warning with an old index.
    'APT::Update::Error-Mode "any";',
  ];
  // Without root there is no user to become; apt would complain about chown and setuid.
  const sandbox = isRoot ? [] : ['APT::Sandbox::User "";'];
  return `${[...settings, ...own, ...sandbox].join('\n')}\n`;
}
