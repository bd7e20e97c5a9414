import type { VmVerdict } from '@osforge/vm-events';

/** One thing that preflight looked at. */
export interface PreflightCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it; only where `ok` is false. */
  readonly remedy?: string;
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
  /** The last lines of the serial console, oldest first. */
  readonly lastConsoleLines: readonly string[];
  /** The whole console, as a file. */
  readonly consoleLog: string;
}

function describeConsole({ lastConsoleLines, consoleLog }: ConsoleEvidence): string {
  const lines = lastConsoleLines.slice(-5).map((line) => `\n  | ${line}`);
  return `${lines.length > 0 ? `\nlast console lines:${lines.join('')}` : ''}\nwhole console: ${consoleLog}`;
}

/** The build machine did not end in the one way that leaves an image to capture. */
export class VmVerdictError extends Error {
  readonly code = 'VM_VERDICT';
  readonly verdict: VmVerdict;
  readonly evidence: ConsoleEvidence;

  constructor(verdict: VmVerdict, evidence: ConsoleEvidence, during: string) {
    super(
      `the build machine ended in "${verdict.kind}" ${during}: ${verdict.summary}${describeConsole(evidence)}`,
    );
    this.name = 'VmVerdictError';
    this.verdict = verdict;
    this.evidence = evidence;
  }
}

/** An application could not be installed, or its check did not hold. */
export class AppInstallError extends Error {
  readonly code = 'APP_INSTALL_FAILED';
  readonly app: string;
  readonly step: string;
  /** The installer's last lines of output, oldest first. */
  readonly lastLines: readonly string[];
  readonly evidence: ConsoleEvidence;

  constructor(fields: {
    app: string;
    step: string;
    reason: string;
    lastLines: readonly string[];
    evidence: ConsoleEvidence;
  }) {
    const output = fields.lastLines.slice(-12).map((line) => `\n  | ${line}`);
    super(
      `application "${fields.app}" failed at "${fields.step}": ${fields.reason}` +
        `${output.length > 0 ? `\nlast lines of its installer:${output.join('')}` : ''}\nwhole console: ${fields.evidence.consoleLog}`,
    );
    this.name = 'AppInstallError';
    this.app = fields.app;
    this.step = fields.step;
    this.lastLines = fields.lastLines;
    this.evidence = fields.evidence;
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
