import { Command, InvalidArgumentError, Option } from 'commander';
import type { BuildImageFlags } from './commands/build-image.ts';
import type { ConvertFlags } from './commands/convert.ts';
import type { DiskSizeFlags } from './commands/disk-size-limit.ts';
import type { DiskFlags } from './commands/image-disk.ts';
import type { FlashFlags } from './commands/flash.ts';
import type { PlanFlags } from './commands/plan.ts';
import type { ExitCode } from './exit-code.ts';
import type { Host } from './host/host.ts';
import { printed } from './host/printed.ts';
import { parseSize } from './text/size.ts';
import { version } from './version.ts';

interface OutFlags {
  readonly out: string;
  readonly json?: true;
}

/**
 * The commands and their flags. Nothing but the parser is loaded before a command is chosen: `--help` has to be
 * there at once. `done` gets a command's exit code.
 */
export function createProgram(host: Host, done: (code: ExitCode) => void): Command {
  const program = new Command('osforge')
    .description('Build operating-system golden images that survive being killed.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        host.stdout.write(text);
      },
      writeErr: (text) => {
        host.stderr.write(text);
      },
      getOutHelpWidth: () => host.stdout.columns,
      getErrHelpWidth: () => host.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });

  program
    .command('build-image')
    .description('build an image, or continue its interrupted build')
    .argument('[recipe]', 'recipe file (default: recipes/debian-minimal.yaml)')
    .addOption(outOption())
    .addOption(buildIdOption())
    .option('--fresh', 'run every phase again')
    .option('--verify', 'hash every artifact again instead of trusting size, times and inode')
    .addOption(
      new Option('--ask', 'ask whether to resume an interrupted build (needs a terminal)').conflicts('fresh'),
    )
    .option(
      '-y, --yes',
      'answer questions: resume, overwrite the usb targets, and keep what a failed build left',
    )
    .addOption(
      new Option('--on-error <action>', 'what to do with intermediate files of a phase that failed')
        .choices(['cleanup', 'keep', 'ask'])
        .default('keep'),
    )
    .addOption(new Option('--json', 'print the events as NDJSON and nothing else').conflicts('quiet'))
    .option('-q, --quiet', 'print only the result and errors')
    .addOption(new Option('--events <file>', 'append a copy of all events as NDJSON').argParser(notEmpty))
    .addOption(
      new Option(
        '--metrics-file <file>',
        "keep a file of metrics (.prom) for node_exporter's textfile collector",
      ).argParser(metricsFile),
    )
    .addOption(
      new Option(
        '--metrics-port <port>',
        'serve metrics for Prometheus while the build runs; 0 takes any free port',
      ).argParser(portNumber),
    )
    .addOption(
      new Option('--metrics-host <address>', 'where --metrics-port listens (default: 127.0.0.1)').argParser(
        notEmpty,
      ),
    )
    .action(async (recipe: string | undefined, flags: BuildImageFlags) => {
      done(await (await import('./commands/build-image.ts')).buildImage(recipe, flags, host));
    });

  program
    .command('plan')
    .description('say which phases a build would run, and why; changes nothing')
    .argument('[recipe]', 'recipe file (default: recipes/debian-minimal.yaml)')
    .addOption(outOption())
    .addOption(buildIdOption())
    .option('--fresh', 'as if every phase had to run again')
    .option('--verify', 'hash every artifact again')
    .option('--json', 'print the plan as JSON')
    .action(async (recipe: string | undefined, flags: PlanFlags) => {
      done(await printed((await import('./commands/plan.ts')).plan(recipe, flags, host), host));
    });

  program
    .command('recipe')
    .description('work with recipes')
    .command('check')
    .description('check recipes without building')
    .argument('[recipe...]', 'recipe files (default: recipes/debian-minimal.yaml)')
    .option('--json', 'print the findings as JSON')
    .action(async (recipes: string[], flags: { json?: true }) => {
      done(
        await printed((await import('./commands/recipe-check.ts')).recipeCheck(recipes, flags, host), host),
      );
    });

  const builds = program.command('builds').description('look at builds and clean up after them');
  builds
    .command('list')
    .description('list the builds of an output folder')
    .addOption(outOption())
    .option('--json', 'print the list as JSON')
    .action(async (flags: OutFlags) => {
      done(await printed((await import('./commands/builds-list.ts')).buildsList(flags, host), host));
    });
  builds
    .command('show')
    .description('show phases, artifacts and leftovers of a build')
    .argument('<id>', 'build id')
    .addOption(outOption())
    .option('--json', 'print the build as JSON')
    .action(async (id: string, flags: OutFlags) => {
      done(await printed((await import('./commands/builds-show.ts')).buildsShow(id, flags, host), host));
    });
  builds
    .command('clean')
    .description('remove what a killed build left behind')
    .argument('<id>', 'build id')
    .addOption(outOption())
    .option('--all', 'remove the whole build, its artifacts as well')
    .option('--json', 'print the report as JSON')
    .action(async (id: string, flags: OutFlags & { all?: true }) => {
      done(await printed((await import('./commands/builds-clean.ts')).buildsClean(id, flags, host), host));
    });

  program
    .command('inspect')
    .description('say what an image is and what is on it')
    .argument('<image>', 'raw, qcow2, VHDX, FFU, or raw compressed by zstd, gzip or xz')
    .option('--hash', 'also hash the file and the disk in it')
    .addOption(diskOption())
    .addOption(maxDiskSizeOption())
    .option('--json', 'print the report as JSON')
    .action(async (image: string, flags: DiskSizeFlags & DiskFlags & { hash?: true; json?: true }) => {
      done(await printed((await import('./commands/inspect.ts')).inspect(image, flags, host), host));
    });
  program
    .command('verify')
    .description('check an image against the checksums beside it and against itself')
    .argument('<image>', 'image of any format that inspect knows')
    .addOption(
      new Option(
        '--public-key <file>',
        'also require that SHA256SUMS.minisig beside the image is a signature of this key, of minisign or in PEM',
      ).argParser(notEmpty),
    )
    .addOption(maxDiskSizeOption())
    .option('--json', 'print the checks as JSON')
    .action(async (image: string, flags: DiskSizeFlags & { publicKey?: string; json?: true }) => {
      done(await printed((await import('./commands/verify.ts')).verify(image, flags, host), host));
    });
  program
    .command('convert')
    .description('convert an image; the format of the target is that of its extension')
    .argument('<source>', 'image of any format that inspect knows')
    .argument('<target>', 'file that ends in .raw, .img, .qcow2, .vhdx, .ffu, .raw.zst or .raw.gz')
    .option('-f, --force', 'replace an existing target, once the new one is complete')
    .option('--compress', 'FFU only: compress its blocks (V1_COMPRESSED, XPRESS)')
    .addOption(diskOption())
    .addOption(maxDiskSizeOption())
    .option('--json', 'print the result as JSON')
    .action(async (source: string, target: string, flags: ConvertFlags) => {
      done(await printed((await import('./commands/convert.ts')).convert(source, target, flags, host), host));
    });
  program
    .command('diff')
    .description('say which partitions and files of two images differ')
    .argument('<before>', 'image of any format that inspect knows')
    .argument('<after>', 'image of any format that inspect knows')
    .addOption(maxDiskSizeOption())
    .option('--json', 'print the differences as JSON')
    .action(async (before: string, after: string, flags: DiskSizeFlags & { json?: true }) => {
      done(await printed((await import('./commands/diff.ts')).diff(before, after, flags, host), host));
    });

  program
    .command('flash')
    .description('write an image on disks or files, all at once, and verify what they hold')
    .argument('[image]', 'raw, qcow2, VHDX, FFU, or raw compressed by zstd, gzip or xz')
    .option('--to <target...>', 'disks, loop devices or files; give the image before it')
    .option('--list', 'list the disks instead, and why some must not be written to')
    .option('-y, --yes', 'overwrite the targets without asking (needed where there is no terminal)')
    .option('--skip-refused', 'write the other targets where some are refused')
    .option('--allow-partition', 'take partitions as targets too')
    .option('--probe', 'look first whether each disk holds as much as it says (writes samples)')
    .option('--no-verify', 'do not read back what was written')
    .option('--no-discard', 'do not give the old blocks back first')
    .addOption(
      new Option(
        '--sha256 <digest>',
        'what the image must be: of the file, or of the disk in it (default: by the lists beside it)',
      ).argParser(notEmpty),
    )
    .addOption(
      new Option('--bmap <file>', 'block map of the image (default: the one beside it)').argParser(notEmpty),
    )
    .addOption(new Option('--receipts <dir>', 'keep a receipt of each complete target').argParser(notEmpty))
    .addOption(
      new Option(
        '--sign <reference>',
        'sign receipts with the Ed25519 key in env:NAME or file:PATH',
      ).argParser(notEmpty),
    )
    .addOption(
      new Option(
        '--journal <dir>',
        'what an interrupted flash goes on with (default: ~/.local/state/osforge/flash)',
      ).argParser(notEmpty),
    )
    .addOption(new Option('--json', 'print the events as NDJSON and nothing else').conflicts('quiet'))
    .option('-q, --quiet', 'print only the result and errors')
    .addOption(new Option('--events <file>', 'append a copy of all events as NDJSON').argParser(notEmpty))
    .action(async (image: string | undefined, flags: FlashFlags) => {
      done(await printed((await import('./commands/flash.ts')).flash(image, flags, host), host));
    });

  program
    .command('doctor')
    .description('check whether this machine can build')
    .addOption(outOption())
    .option('--json', 'print the checks as JSON')
    .action(async (flags: OutFlags) => {
      done(await printed((await import('./commands/doctor.ts')).runDoctor(flags, host), host));
    });

  return program;
}

function outOption(): Option {
  return new Option('-o, --out <dir>', 'folder of all builds').default('out').argParser(notEmpty);
}

function buildIdOption(): Option {
  return new Option('--build-id <id>', "name of the build (default: the recipe's name)").argParser(notEmpty);
}

function maxDiskSizeOption(): Option {
  return new Option(
    '--max-disk-size <size>',
    'largest disk that is looked at, as 2TiB (default: 64 TiB; 1 TiB if it is compressed; FFU: 512 GiB of data)',
  ).argParser(diskSize);
}

function diskOption(): Option {
  return new Option('--disk <number>', 'which disk of an FFU that has several, from 1').argParser(diskNumber);
}

function diskNumber(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('Give the number of a disk: 2.');
  return Number(value);
}

function diskSize(value: string): number {
  const bytes = parseSize(value);
  if (bytes === undefined) throw new InvalidArgumentError('Give bytes, or a number with GiB or TiB: 2TiB.');
  return bytes;
}

function metricsFile(value: string): string {
  if (!value.endsWith('.prom')) throw new InvalidArgumentError('Give a name that ends in .prom.');
  return value;
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65_535) {
    throw new InvalidArgumentError('Give a number from 0 (any free port) to 65535.');
  }
  return port;
}

function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It is empty.');
  return value;
}
