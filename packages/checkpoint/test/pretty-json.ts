import { format, resolveConfig } from 'prettier';

/** A value as the workspace's formatter leaves it in a file at `path`. */
export async function prettyJson(value: unknown, path: string): Promise<string> {
  return format(JSON.stringify(value, null, 2), { ...(await resolveConfig(path)), filepath: path });
}
