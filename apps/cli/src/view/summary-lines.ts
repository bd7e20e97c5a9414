import path from 'node:path';
import type { BuildResult } from '@osforge/image-builder';
import { formatDuration } from '../text/duration.ts';
import { formatSize } from '../text/size.ts';
import { formatTable } from '../text/table.ts';

/** What a build that did not fail leaves to say: artifacts with sizes, durations, next steps. Pure. */
export function summaryLines(result: BuildResult, { cwd }: { cwd: string }): string[] {
  const directory = shortPath(result.directory, cwd);
  const files = shownFiles(result.artifacts).map(({ place, sizeBytes }) => [
    `  ${path.join(directory, place)}`,
    formatSize(sizeBytes),
  ]);
  return [
    headline(result),
    ...(files.length > 0 ? ['', ...formatTable(files)] : []),
    ...bootLines(result, directory),
  ];
}

/** The numbered parts of a payload are one line: there may be hundreds. */
function shownFiles(artifacts: BuildResult['artifacts']): { place: string; sizeBytes: number }[] {
  const shown: { place: string; sizeBytes: number; parts: number }[] = [];
  for (const { path: file, sizeBytes } of artifacts) {
    const folder = path.dirname(file);
    const isPart = path.basename(folder) === 'payload';
    const last = shown.at(-1);
    if (isPart && last?.place === folder) {
      last.sizeBytes += sizeBytes;
      last.parts += 1;
    } else shown.push({ place: isPart ? folder : file, sizeBytes, parts: isPart ? 1 : 0 });
  }
  return shown.map(({ place, sizeBytes, parts }) => ({
    place: parts === 0 ? place : `${place}/ (${parts} ${parts === 1 ? 'file' : 'files'})`,
    sizeBytes,
  }));
}

/** The one line that `--quiet` leaves. */
export function headline(result: BuildResult): string {
  const { buildId, ran, reused, skipped, durationMs } = result;
  if (result.outcome === 'unchanged') {
    return `Nothing to do: ${buildId} is up to date (${reused.length} phases reused, ${skipped.length} skipped; checked in ${formatDuration(durationMs)}).`;
  }
  const counts = [
    `${ran.length} phases ran`,
    ...(reused.length > 0 ? [`${reused.length} reused`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ];
  return `Built ${buildId} in ${formatDuration(durationMs)} (${counts.join(', ')}).`;
}

function bootLines({ artifacts }: BuildResult, directory: string): string[] {
  const disk = artifacts.find((artifact) => artifact.path.endsWith('.qcow2'));
  if (disk === undefined) return [];
  return [
    '',
    'Boot it (nothing is written to the image; leave with Ctrl-A X):',
    '  qemu-system-x86_64 -machine q35 -m 1024 -nographic -snapshot \\',
    '    -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \\',
    '    -drive if=pflash,format=raw,file=/usr/share/OVMF/OVMF_VARS_4M.fd \\',
    `    -drive if=virtio,format=qcow2,file=${shellWord(path.join(directory, disk.path))}`,
  ];
}

/** A path as somebody in `cwd` would type it. */
export function shortPath(place: string, cwd: string): string {
  const relative = path.relative(cwd, place);
  return relative === '' ? '.' : relative.startsWith('..') ? place : relative;
}

/** A word as a shell takes it for one. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
