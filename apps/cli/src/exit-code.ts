/** What the shell gets back. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  preflight: 3,
  cancelled: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
