import type { VmVerdict } from '@osforge/vm-events';
import { consoleExcerpt } from './machine/console-excerpt.ts';

/** One thing that preflight looked at. */
export interface PreflightCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What a build needs it for. */
  readonly why?: string;
  /** What to do about it; only where `ok` is false. */
  readonly remedy?: string;
  /** The Debian package that is missing; only where installing it is the remedy. */
  readonly debianPackage?: string;
}

/** The machine cannot build: nothing has been started. */
export class PreflightError extends Error {
  readonly code = 'PREFLIGHT_FAILED';
  readonly checks: readonly PreflightCheck[];

  constructor(checks: readonly PreflightCheck[]) {
    const failed = checks.filter((check) => !check.ok);
    super(
      `this machine cannot build yet:\n${failed
        .map((check) => `  ${check.name}: ${check.detail}${check.remedy ? `\n    ${check.remedy}` : ''}`)
        .join('\n')}`,
    );
    this.name = 'PreflightError';
    this.checks = checks;
  }
}

/** Where to look when a build machine ended badly. */
export interface ConsoleEvidence {
  /** The last lines of the serial console, oldest first; none where the machine has said nothing in this run. */
  readonly lastConsoleLines: readonly string[];
  /** The whole console, as a file; every machine of the build is in it, each after a line that begins with "---". */
  readonly consoleLog: string;
}

/** What was being installed when something went wrong. */
export interface InstallerEvidence {
  /** Name in the recipe; empty where it happened before the first one. */
  readonly app: string;
  /** The installer's own name of the step, as in `guest.step` events. */
  readonly step: string;
  /** The same in the recipe's words, as "script scripts/setup.sh". */
  readonly doing: string;
  /** The step's last lines of output, oldest first. */
  readonly lastLines: readonly string[];
}

const shownLines = 12;

/** What an installer was doing, in one phrase. */
export function doingOf({ app, doing }: InstallerEvidence): string {
  return app === '' ? doing : `${doing} of application "${app}"`;
}

function quoted(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}:${lines.map((line) => `\n  | ${line}`).join('')}`;
}

function describeInstaller(installer: InstallerEvidence | undefined): string {
  return quoted('last lines of its output', installer?.lastLines.slice(-shownLines) ?? []);
}

function describeConsole({ lastConsoleLines, consoleLog }: ConsoleEvidence): string {
  const lines = consoleExcerpt(lastConsoleLines, shownLines);
  const silent = lines.length === 0 ? '\nthe machine has written nothing to its console in this run' : '';
  return `${quoted('from the console of the machine', lines)}${silent}\nwhole console: ${consoleLog}`;
}

/** The build machine did not end in the one way that leaves an image to capture. */
export class VmVerdictError extends Error {
  readonly code = 'VM_VERDICT';
  /** Its kind is `clean` only where the machine powered off, in good order, before it was to. */
  readonly verdict: VmVerdict;
  readonly evidence: ConsoleEvidence;
  /** What was being installed; absent where nothing was. */
  readonly installer?: InstallerEvidence;

  constructor(verdict: VmVerdict, evidence: ConsoleEvidence, during: string, installer?: InstallerEvidence) {
    const ended = verdict.kind === 'clean' ? 'powered itself off' : `ended in "${verdict.kind}"`;
    super(
      `the build machine ${ended} ${during}: ${verdict.summary}` +
        describeInstaller(installer) +
        describeConsole(evidence),
    );
    this.name = 'VmVerdictError';
    this.verdict = verdict;
    this.evidence = evidence;
    if (installer) this.installer = installer;
  }
}

/** An application could not be installed, or its check did not hold. */
export class AppInstallError extends Error {
  readonly code = 'APP_INSTALL_FAILED';
  /** Name in the recipe; empty where the medium with the applications could not be used. */
  readonly app: string;
  /** The installer's own name of the step, as in `guest.step` events. */
  readonly step: string;
  /** The step's last lines of output, oldest first. */
  readonly lastLines: readonly string[];
  readonly evidence: ConsoleEvidence;

  constructor(installer: InstallerEvidence, reason: string, evidence: ConsoleEvidence) {
    const { app, step, doing, lastLines } = installer;
    const what = app === '' ? doing : `application "${app}" could not be installed: ${doing}`;
    super(
      `${what}: ${reason}${describeInstaller(installer)}\nconsole of the machine: ${evidence.consoleLog}`,
    );
    this.name = 'AppInstallError';
    this.app = app;
    this.step = step;
    this.lastLines = lastLines;
    this.evidence = evidence;
  }
}

/** A result of the build's own tools is not what the recipe asks for; a defect or a mismatch, never transient. */
export class BuildConsistencyError extends Error {
  readonly code = 'BUILD_INCONSISTENT';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BuildConsistencyError';
  }
}

/** The recipe insists on hardware virtualization and this machine has none that works. */
export class AcceleratorError extends Error {
  readonly code = 'ACCELERATOR_UNAVAILABLE';
  readonly reason: string;

  constructor(reason: string) {
    super(`the recipe asks for vm.accelerator: kvm, but ${reason}; use "auto" to fall back to emulation`);
    this.name = 'AcceleratorError';
    this.reason = reason;
  }
}
