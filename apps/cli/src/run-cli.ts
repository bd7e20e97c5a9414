import { CommanderError, type Command } from 'commander';
import { exitCode, type ExitCode } from './exit-code.ts';
import type { Host } from './host/host.ts';
import { printed } from './host/printed.ts';
import { createProgram } from './program.ts';

/** Runs one command line (without `node` and the script). Never rejects; prints errors to standard error. */
export async function runCli(argv: readonly string[], host: Host): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const program = createProgram(host, (result) => {
    code = result;
  });
  withUsage(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Help and version also come here, with the code 0; the parser has printed its message already.
    if (error instanceof CommanderError)
      return await printed(Promise.resolve(error.exitCode === 0 ? exitCode.done : exitCode.usage), host);
    const { reportError } = await import('./report/report-error.ts');
    const { exitCodeOf } = await import('./errors/exit-code-of.ts');
    await reportError(error, host);
    return exitCodeOf(error);
  }
}

/** After every error of the parser: how the command is used, and where the rest stands. */
function withUsage(command: Command): void {
  const help = command.createHelp();
  const path = help.commandUsage(command);
  const name =
    path.slice(0, path.indexOf(' [') === -1 ? undefined : path.indexOf(' [')).split(' <', 1)[0] ?? '';
  command.showHelpAfterError(`Usage: ${path}\nSee "${name} --help".`);
  for (const child of command.commands) withUsage(child);
}
