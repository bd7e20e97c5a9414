import { connect } from 'node:net';
import { FlashEngine } from './engine/flash-engine.ts';
import { readJsonLines, writeJsonLine } from './host/json-lines.ts';
import type { Command, Report } from './host/messages.ts';
import { toWire } from './host/wire-error.ts';
import { openSource } from './source/open-source.ts';
import { openTarget } from './targets/open-target.ts';

/**
 * The program that startFlash starts: an engine with threads enough for all of its targets. Its one argument is the
 * socket over which it is told what to do. When that closes, it stops.
 */
const socket = connect(process.argv[2] ?? '');
const tell = (report: Report): void => {
  writeJsonLine(socket, report);
};
let engine: FlashEngine | undefined;

async function start(command: Extract<Command, { type: 'start' }>): Promise<void> {
  try {
    const source = await openSource(command.source);
    const onProgress = (progress: Extract<Report, { type: 'progress' }>['progress']): void => {
      tell({ type: 'progress', progress });
    };
    const { settings, layout, windowBytes, digestWhole } = command;
    const now = (): number => performance.now();
    engine = new FlashEngine({
      source,
      open: openTarget,
      settings,
      layout,
      windowBytes,
      digestWhole,
      onProgress,
      now,
    });
    tell({ type: 'started', sizeBytes: source.sizeBytes, format: source.format });
  } catch (error) {
    tell({ type: 'not-started', error: toWire(error) });
  }
}

async function add(
  engineNow: FlashEngine,
  { id, selected }: Extract<Command, { type: 'add' }>,
): Promise<void> {
  try {
    const outcome = await engineNow.add(id, selected);
    if (outcome.ok) tell({ type: 'complete', id, work: outcome.work, image: outcome.image });
    else tell({ type: 'failed', id, error: toWire(outcome.error) });
  } catch (error) {
    tell({ type: 'failed', id, error: toWire(error) });
  }
}

async function stop(): Promise<void> {
  await engine?.close().catch(() => undefined);
  socket.end();
}

readJsonLines(socket, (message) => {
  const command = message as Command; // the other end is this package in the same version

  if (command.type === 'start') void start(command);
  else if (command.type === 'close') void stop();
  else if (engine === undefined) return;
  else if (command.type === 'add') void add(engine, command);
  else engine.cancel(command.id);
});
socket.on('error', () => undefined); // followed by close
socket.on('close', () => {
  void stop();
});
