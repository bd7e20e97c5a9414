import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from './host.ts';

/**
 * The exit code of a command whose result is what it prints: a result that did not get out is a failure. A reader
 * that has gone (`| head -1`) had enough and is none.
 */
export async function printed(command: Promise<ExitCode>, host: Host): Promise<ExitCode> {
  const code = await command;
  await host.drain();
  const { broken } = host.stdout;
  if (broken === undefined || broken.code === 'EPIPE') return code;
  host.stderr.write(`error: standard output could not be written: ${broken.message}\n`);
  return code === exitCode.done ? exitCode.failed : code;
}
