import { captureFindings } from './capture-consistency.ts';
import type { Finding, FieldPath } from './diagnostic.ts';
import { mediaFindings } from './media-consistency.ts';
import { nearest } from './nearest.ts';
import type { Recipe } from './recipe.ts';
import { usbFindings } from './usb-consistency.ts';

const mebibyte = 1024 ** 2;
const placeholder = '{snapshot}';

/** Rules between fields of a recipe whose fields are right each by itself. Pure. */
export function checkConsistency(recipe: Recipe): Finding[] {
  return [
    ...duplicates(recipe.apps, 'apps'),
    ...duplicates(recipe.users, 'users'),
    ...takenNames(recipe),
    ...emptyApps(recipe),
    ...targets(recipe),
    ...sources(recipe),
    ...sizes(recipe),
    ...timezone(recipe),
    ...captureFindings(recipe),
    ...mediaFindings(recipe),
    ...usbFindings(recipe),
  ];
}

function duplicates(entries: readonly { name: string }[], list: string): Finding[] {
  const first = new Map<string, number>();
  return entries.flatMap(({ name }, index) => {
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    return [
      {
        path: [list, index, 'name'],
        message: `"${name}" is the name of ${list}[${earlier}] already`,
        expected: 'a name that is not used yet',
        remedy: 'Rename one of them, or make one entry of both.',
      },
    ];
  });
}

/** Accounts of every Debian system but root. Source: base-passwd's passwd.master. */
const baseUsers = new Set([
  ...['daemon', 'bin', 'sys', 'sync', 'games', 'man', 'lp', 'mail', 'news', 'uucp', 'proxy', 'www-data'],
  ...['backup', 'list', 'irc', '_apt', 'nobody'],
]);

/** Groups that give rights: a user of that name would have them as its own. Source: base-passwd's group.master. */
const baseGroups = new Set([
  ...['adm', 'tty', 'disk', 'kmem', 'dialout', 'cdrom', 'floppy', 'tape', 'sudo', 'audio', 'dip', 'shadow'],
  ...['utmp', 'video', 'sasl', 'plugdev', 'staff', 'users', 'nogroup'],
]);

function takenNames({ users }: Recipe): Finding[] {
  return users.flatMap(({ name }, index) => {
    const what = baseUsers.has(name) ? 'user' : baseGroups.has(name) ? 'group' : undefined;
    if (what === undefined) return [];
    return [
      {
        path: ['users', index, 'name'],
        message: `"${name}" is a ${what} of every Debian system`,
        expected: 'a name that Debian does not use itself',
      },
    ];
  });
}

function emptyApps(recipe: Recipe): Finding[] {
  return recipe.apps.flatMap((app, index) =>
    app.packages.length + app.files.length + app.scripts.length > 0
      ? []
      : [
          {
            path: ['apps', index],
            message: `the app "${app.name}" installs nothing`,
            expected: 'at least one of: packages, files, scripts',
            remedy: 'Add what it installs, or remove the app.',
          },
        ],
  );
}

const runtimeFolders = /^\/(proc|sys|dev|run|tmp)(\/|$)/;

function targets(recipe: Recipe): Finding[] {
  return recipe.apps.flatMap((app, index) =>
    app.files.flatMap(({ target }, file) => {
      const path: FieldPath = ['apps', index, 'files', file, 'target'];
      if (target.split('/').some((part) => part === '..' || part === '.'))
        return [{ path, message: 'the target has . or .. in it', expected: 'a plain absolute path' }];
      return runtimeFolders.test(target)
        ? [
            {
              path,
              message: `${target} exists only while a machine runs`,
              expected: 'a place that is kept on the disk, as /etc, /opt, /srv, /usr/local or /var/lib',
            },
          ]
        : [];
    }),
  );
}

function sources({ distribution, updates }: Recipe): Finding[] {
  const { mirror, securityMirror, snapshot } = distribution;
  const findings: Finding[] = [];
  const needsPlaceholder = (field: 'mirror' | 'securityMirror'): void => {
    findings.push({
      path: ['distribution', field],
      message: `a snapshot is given, and ${field} has no ${placeholder} in it`,
      expected: `an address with ${placeholder} where the time stamp belongs`,
    });
  };
  if (snapshot !== undefined) {
    if (mirror === undefined)
      findings.push({
        path: ['distribution', 'snapshot'],
        message: 'a snapshot needs an archive that keeps snapshots',
        expected: `distribution.mirror with ${placeholder} in it`,
        remedy: 'Add distribution.mirror, or remove the snapshot.',
      });
    else if (!mirror.includes(placeholder)) needsPlaceholder('mirror');
    if (updates.security && securityMirror === undefined)
      findings.push({
        path: ['distribution', 'snapshot'],
        message: 'the security suite would not be of the same time',
        expected: `distribution.securityMirror with ${placeholder} in it`,
        remedy: 'Add distribution.securityMirror, or set updates.security to false.',
      });
    else if (updates.security && securityMirror?.includes(placeholder) === false)
      needsPlaceholder('securityMirror');
    return findings;
  }
  for (const [field, address] of Object.entries({ mirror, securityMirror }))
    if (address?.includes(placeholder) === true)
      findings.push({
        path: ['distribution', field],
        message: `${placeholder} is used, and no snapshot is given`,
        remedy: 'Add distribution.snapshot, as 20250520T000000Z.',
      });
  return findings;
}

function sizes({ disk, vm }: Recipe): Finding[] {
  const findings: Finding[] = [];
  if (disk.espSizeBytes < 64 * mebibyte)
    findings.push({
      path: ['disk', 'espSize'],
      message: 'the EFI system partition is too small',
      expected: 'at least 64M',
    });
  if (disk.sizeBytes < disk.espSizeBytes + 1024 * mebibyte)
    findings.push({
      path: ['disk', 'size'],
      message: 'the disk is too small for a system beside its EFI system partition',
      expected: `at least ${disk.espSizeBytes / mebibyte + 1024}M`,
    });
  if (disk.sizeBytes > 64 * 1024 ** 4)
    findings.push({
      path: ['disk', 'size'],
      message: 'the disk is larger than a VHDX can be',
      expected: 'at most 64T',
    });
  if (vm.memoryMiB < 256)
    findings.push({
      path: ['vm', 'memory'],
      message: 'the guest would not boot with so little',
      expected: 'at least 256M',
    });
  return findings;
}

function timezone({ system }: Recipe): Finding[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: system.timezone });
    return [];
  } catch {
    const near = nearest(system.timezone, Intl.supportedValuesOf('timeZone'));
    return [
      {
        path: ['system', 'timezone'],
        message: `there is no time zone "${system.timezone}"`,
        expected: 'a time zone of the tz database (Europe/Zurich)',
        remedy: near === undefined ? undefined : `Did you mean "${near}"?`,
      },
    ];
  }
}
