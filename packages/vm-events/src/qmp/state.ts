import type { VmState } from '../source.ts';

/** QEMU's run state (`query-status`) as a {@link VmState}. Source: QEMU qapi/run-state.json, `RunState`. */
export function vmStateOfRunState(status: string): VmState {
  switch (status) {
    case 'prelaunch':
    case 'inmigrate':
    case 'preconfig':
      return 'starting';
    case 'running':
      return 'running';
    // All others have stopped processors. "shutdown" too: only the end of the process is "stopped",
    // because until then QEMU holds the disks.
    default:
      return 'paused';
  }
}

/** The state that an event leads to, undefined for events that say nothing about it. */
export function vmStateOfEvent(event: string): VmState | undefined {
  switch (event) {
    case 'RESUME':
    case 'WAKEUP':
      return 'running';
    case 'STOP':
    case 'SUSPEND':
      return 'paused';
    default:
      return undefined;
  }
}
