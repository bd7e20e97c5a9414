import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where journals of a user are kept: `XDG_STATE_HOME/osforge/flash`, else `~/.local/state/osforge/flash`. */
export function defaultJournalFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const xdg = environment['XDG_STATE_HOME'];
  const home = environment['HOME'] ?? homedir();
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.local/state'), 'osforge/flash');
}
