import { z } from 'zod';
import { describeIssues } from './record-schema.ts';
import { CheckpointInvalidError } from './errors.ts';
import type { JsonValue } from './json-value.ts';
import type { BuildRecord, PhaseRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';

/** Version 1 in the order of its phases, with the names that the phases have now. */
const PHASES: readonly (readonly [was: string, is: string])[] = [
  ['PreflightValidation', 'preflight'],
  ['DriverDownload', 'drivers'],
  ['UpdatesDownload', 'updates'],
  ['AppsPreparation', 'apps'],
  ['VHDXCreation', 'disk'],
  ['WindowsUpdates', 'os-updates'],
  ['VMSetup', 'vm-setup'],
  ['VMStart', 'vm-start'],
  ['AppInstallation', 'app-install'],
  ['VMShutdown', 'vm-shutdown'],
  ['FFUCapture', 'capture'],
  ['DeploymentMedia', 'media'],
  ['USBCreation', 'usb'],
  ['Cleanup', 'cleanup'],
];

const jsonObject = z.record(z.string(), z.json());

const v1Schema = z.looseObject({
  version: z.union([z.string(), z.number()]),
  buildId: z.string(),
  timestamp: z.string().refine((text) => Number.isFinite(Date.parse(text)), 'expected a time'),
  lastCompletedPhase: z.string(),
  percentComplete: z.number().optional(),
  configuration: jsonObject.optional(),
  artifacts: jsonObject.optional(),
  paths: jsonObject.optional(),
  cleanupRegistry: z
    .array(
      z.looseObject({
        id: z.string(),
        name: z.string().optional(),
        resourceType: z.string(),
        resourceId: z.string(),
      }),
    )
    .optional(),
});

/**
 * Version 1 (`{version: "1.0", buildId, timestamp, lastCompletedPhase, …, cleanupRegistry}`) as version 2. Its
 * clean-up registry becomes the ledger. Its phases count as done but with a key that equals none, because it
 * kept neither digests nor inputs: they run again. The rest is kept as the fact `migratedFrom`, without members
 * whose name speaks of a credential.
 */
export function migrateV1(json: unknown, path: string): BuildRecord {
  const parsed = v1Schema.safeParse(json);
  if (!parsed.success) {
    throw new CheckpointInvalidError(path, 'schema', describeIssues(parsed.error), { cause: parsed.error });
  }
  const old = parsed.data;
  const time = new Date(old.timestamp).toISOString();
  return {
    version: RECORD_VERSION,
    buildId: old.buildId,
    createdAt: time,
    updatedAt: time,
    percentComplete: Math.min(100, Math.max(0, old.percentComplete ?? 0)),
    phases: phasesUpTo(old.lastCompletedPhase, time),
    ledger: (old.cleanupRegistry ?? []).map(({ id, name, resourceType, resourceId }) => ({
      id,
      resourceType,
      resourceId,
      ...(name === undefined ? {} : { data: { name } }),
      registeredAt: time,
    })),
    facts: {
      migratedFrom: {
        version: String(old.version),
        lastCompletedPhase: old.lastCompletedPhase,
        configuration: withoutCredentials(old.configuration ?? {}),
        artifacts: withoutCredentials(old.artifacts ?? {}),
        paths: withoutCredentials(old.paths ?? {}),
      },
    },
  };
}

function phasesUpTo(last: string, time: string): Record<string, PhaseRecord> {
  // Both `VHDXCreation` and `VHDX_CREATION` were written.
  const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();
  const count =
    plain(last) === 'completed' ? PHASES.length : PHASES.findIndex(([was]) => plain(was) === plain(last)) + 1;
  const phase: PhaseRecord = {
    state: 'done',
    inputsKey: 'never:migrated-from-version-1',
    startedAt: time,
    completedAt: time,
    durationMs: 0,
    artifacts: [],
    data: {},
  };
  return Object.fromEntries(PHASES.slice(0, count).map(([, is]) => [is, phase]));
}

const CREDENTIAL = /pass|pwd|secret|token|credential|api.?key|private.?key/i;

function withoutCredentials(value: JsonValue): JsonValue {
  if (isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !CREDENTIAL.test(key))
      .map(([key, item]): [string, JsonValue] => [key, withoutCredentials(item)]),
  );
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
