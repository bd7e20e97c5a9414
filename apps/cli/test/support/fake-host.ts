import type { Host, StopSignal, TextOutput } from '../../src/host/host.ts';

export interface FakeOutput extends TextOutput {
  text: string;
  columns: number;
  rows: number;
}

export function fakeOutput(isTTY = false): FakeOutput {
  return {
    isTTY,
    columns: 80,
    rows: 24,
    text: '',
    write(text) {
      this.text += text;
    },
    broken: undefined,
    onBroken: () => () => {},
  };
}

export interface FakeHost extends Host {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly exits: number[];
  send(signal: StopSignal): void;
  clock: number;
}

/** A host in memory: its clock stands still until a test moves it. */
export function fakeHost(options: { isTTY?: boolean; env?: Record<string, string> } = {}): FakeHost {
  const listeners = new Set<(signal: StopSignal) => void>();
  const exits: number[] = [];
  const host: FakeHost = {
    env: options.env ?? {},
    cwd: '/work',
    stdinIsTTY: options.isTTY ?? false,
    stdout: fakeOutput(options.isTTY),
    stderr: fakeOutput(options.isTTY),
    clock: 0,
    now: () => host.clock,
    onStopSignal: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    send: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    exits,
    exit: (code) => {
      exits.push(code);
    },
    drain: () => Promise.resolve(),
  };
  return host;
}
