import { z } from 'zod';
import { BUILD_ID_PATTERN } from './build-id.ts';
import type { ArtifactRecord, BuildRecord, LedgerEntry, PhaseRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';

// Rules are regular expressions rather than code wherever they can be, so that the published JSON Schema says
// the same as this one.

const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const digits = z.string().regex(/^\d{1,30}$/);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const jsonObject = z.record(z.string(), z.json());

/** Absolute, or relative without a way out of the build folder. */
const artifactPath = z.string().regex(/^(?:\/|(?!(?:[^\0]*\/)?\.\.(?:\/|$)))[^\0]*[^\0/]$/);

const artifactSchema: z.ZodType<ArtifactRecord> = z.strictObject({
  name: z.string().min(1).max(200),
  path: artifactPath,
  sizeBytes: z.int().min(0),
  sha256,
  retention: z.enum(['output', 'cache', 'transient']),
  released: z.literal(true).exactOptional(),
  identity: z.strictObject({ mtimeNs: digits, ctimeNs: digits, inode: digits }),
});

const phaseSchema: z.ZodType<PhaseRecord> = z.strictObject({
  state: z.enum(['done', 'skipped']),
  inputsKey: z.string().regex(/^(?:[0-9a-f]{64}|never:[a-z0-9.-]{1,100})$/),
  reason: z.string().exactOptional(),
  startedAt: time,
  completedAt: time,
  durationMs: z.number().min(0),
  artifacts: z.array(artifactSchema),
  data: jsonObject,
});

export const ledgerEntrySchema: z.ZodType<LedgerEntry> = z.strictObject({
  id: z.string().min(1).max(200),
  resourceType: z.string().min(1).max(100),
  resourceId: z.string().min(1).max(5000),
  data: jsonObject.exactOptional(),
  registeredAt: time,
});

/** Version 2 of the record. Unknown fields are refused. */
export const buildRecordSchema: z.ZodType<BuildRecord> = z.strictObject({
  version: z.literal(RECORD_VERSION),
  buildId: z.string().regex(BUILD_ID_PATTERN),
  createdAt: time,
  updatedAt: time,
  percentComplete: z.number().min(0).max(100),
  phases: z.record(name, phaseSchema),
  ledger: z.array(ledgerEntrySchema),
  facts: jsonObject,
});

/** The JSON Schema (draft 2020-12) of the record; published as `@osforge/checkpoint/schema.json`. */
export function checkpointJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(buildRecordSchema, { target: 'draft-2020-12' }),
    $id: `urn:osforge:checkpoint:${RECORD_VERSION}`,
    title: 'osforge build checkpoint',
  };
}

/** One line for each thing that is wrong: where, and what was expected. */
export function describeIssues(error: z.ZodError): readonly string[] {
  return error.issues.map((issue) => `${issue.path.map(String).join('.') || '(record)'}: ${issue.message}`);
}
