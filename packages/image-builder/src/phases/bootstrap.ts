import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseContext } from '@osforge/pipeline';
import { DiskFullError } from '@osforge/disk-image';
import { ProgramFailedError, run } from '@osforge/process';
import type { BuildEnvironment } from '../build/environment.ts';
import { tellsOfFullDisk } from '../build/space-errors.ts';
import { userNamespaceArguments } from '../build/user-namespace.ts';
import { resolveAuthorizedKeys, resolvePasswordHash } from '../recipe/secret-reference.ts';
import { artifactPath, recordedTexts } from './artifacts.ts';
import { handOver } from './hand-over.ts';
import { ImageTooSmallError } from './image-too-small-error.ts';

/** What the tree hook is told, beside the recipe. All paths are absolute. */
export interface BootstrapRequest {
  readonly output: string;
  readonly overlay: string;
  readonly driverFolder: string;
  /** File with the arguments of mkfs.ext4, one a line. */
  readonly mkfsArguments: string;
  readonly mkfsEnvironment: Readonly<Record<string, string>>;
  readonly epochSeconds: number;
  readonly hook: string;
  readonly generalize: string;
}

/**
 * Account lines for the hook, with the secrets they hold: "user name:shell:groups:sudo:hash" and "key name line". They
 * are handed to the hook alone: the maintainer scripts of packages run in the same environment.
 */
async function accounts(environment: BuildEnvironment): Promise<{ lines: string; secrets: string[] }> {
  const options = { env: environment.variables, directory: environment.recipeDirectory };
  const secrets: string[] = [];
  let lines = '';
  for (const user of environment.recipe.users) {
    const hash = user.password === undefined ? '' : await resolvePasswordHash(user.password, options);
    if (hash !== '') secrets.push(environment.secrets.add(hash));
    lines += `user ${user.name}:${user.shell}:${user.groups.join(',')}:${user.sudo ? 1 : 0}:${hash}\n`;
    for (const key of await resolveAuthorizedKeys(user.authorizedKeys, options))
      lines += `key ${user.name} ${key}\n`;
  }
  return { lines, secrets };
}

/**
 * mmdebstrap. For root it gets a mount namespace, so that what it mounts goes with it, also when it is killed. Anybody
 * else is root of a user namespace of his own first: what mmdebstrap's own namespace makes belongs to a subordinate id,
 * which may neither write into the build's folder nor look into a home that is closed to others. Its process namespace
 * ends every process in it, whatever id that has taken.
 */
async function bootstrapCommand(): Promise<[string, ...string[]]> {
  if (process.getuid?.() === 0)
    return ['unshare', '--mount', '--propagation', 'private', '--', 'mmdebstrap', '--mode=root'];
  const mapping = (await userNamespaceArguments()) ?? [];
  const namespace = ['--user', ...mapping, '--pid', '--fork', '--kill-child=KILL'];
  return ['unshare', ...namespace, '--', 'mmdebstrap', '--mode=unshare'];
}

/**
 * Unpacks and configures the base system from the packages that `updates` downloaded, offline, and hands the tree to
 * the hook, which turns it into a file system. As root it runs in place; else in a user namespace (`--mode=unshare`).
 */
export async function bootstrap(
  environment: BuildEnvironment,
  context: Pick<PhaseContext, 'upstream' | 'ledger' | 'signal' | 'progress' | 'log'>,
  request: BootstrapRequest,
): Promise<void> {
  const { layout, recipe } = environment;
  const sources = [context.upstream('updates'), context.upstream('drivers')].filter(({ artifacts }) =>
    artifacts.some(({ name }) => name === 'Packages'),
  );
  const repositories = sources.map((record) => path.dirname(artifactPath(layout, record, 'Packages')));
  const install = sources.flatMap((record) => recordedTexts(record, 'packages'));
  const { lines, secrets } = await accounts(environment);
  const temporary = path.join(request.output, 'tree');
  await context.ledger.register('directory-tree', temporary);
  await mkdir(temporary, { mode: 0o755 });

  // Each installed package prints one "Setting up" line: an even measure of how far the bootstrap is.
  let configured = 0;
  const [program, ...prefix] = await bootstrapCommand();
  // What went wrong first is often far above the last lines, which is all that a failed program's error keeps.
  const told: BootstrapTold = { hostFull: false, imageFull: false };
  const place = path.join(request.output, 'accounts');
  await handOver({ text: lines, place, secrets, signal: context.signal }, (signal) =>
    run(
      program,
      [
        ...prefix,
        '--variant=custom',
        '--format=null',
        // The hook turns the tree into a file system before mmdebstrap would tidy it, so it tidies it itself.
        '--skip=cleanup',
        '--architectures=amd64',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        // It copies from a folder that only we enter; signatures and digests were checked when that was downloaded.
        '--aptopt=APT::Sandbox::User "root"',
        `--include=${install.join(',')}`,
        `--customize-hook=${request.hook}`,
        '--verbose',
        recipe.distribution.release,
        '-',
        ...repositories.map((repository) => `deb [trusted=yes] copy:${sourceWord(repository)} ./`),
      ],
      {
        lifetime: 'tree',
        signal,
        timeoutMs: 30 * 60_000,
        secrets,
        env: {
          TMPDIR: temporary,
          SOURCE_DATE_EPOCH: String(request.epochSeconds),
          // Debian's hook for kernels then makes no initramfs, which the next package would have made again: the tree
          // hook makes it once, at the end. It is a third of the whole bootstrap.
          INITRD: 'No',
          ...request.mkfsEnvironment,
          OSFORGE_OVERLAY: request.overlay,
          OSFORGE_DEBS: request.driverFolder,
          OSFORGE_ACCOUNTS: place,
          OSFORGE_TIMEZONE: recipe.system.timezone === 'Etc/UTC' ? '' : recipe.system.timezone,
          OSFORGE_OUTPUT: request.output,
          OSFORGE_GENERALIZE: request.generalize,
          OSFORGE_MKFS: request.mkfsArguments,
        },
        onLine: (line, stream) => {
          if (/^(Setting up|Unpacking) /.test(line)) {
            configured += 0.5;
            context.progress(
              0.02 + 0.86 * Math.min(1, configured / Math.max(1, install.length)),
              line.slice(0, 80),
            );
          }
          told.hostFull ||= tellsOfFullDisk(line);
          told.imageFull ||= /could not allocate (block|inode) in ext2/i.test(line);
          context.log(line, stream);
        },
      },
    ),
  ).catch((error: unknown) => {
    if (!(error instanceof ProgramFailedError)) throw error;
    if (told.hostFull) throw new DiskFullError(request.output, { cause: error });
    if (told.imageFull) throw new ImageTooSmallError(recipe.disk.sizeBytes, { cause: error });
    throw error;
  });
}

/** What the lines of the bootstrap told of so far: the machine's disk is full, or the image's file system. */
interface BootstrapTold {
  hostFull: boolean;
  imageFull: boolean;
}

/** A path as one word of sources.list(5), which splits at spaces and takes %20 for one. */
function sourceWord(place: string): string {
  return place.split('/').map(encodeURIComponent).join('/');
}
