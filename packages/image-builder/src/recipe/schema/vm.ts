import * as z from 'zod';
import { durationToMs, sizeToBytes } from '../formats.ts';
import type { CaptureSettings, Reproducible, VmSettings } from '../recipe.ts';
import type { SecretReference } from '../secret-reference.ts';
import { text } from './text.ts';

const duration = (byDefault: string, description: string) =>
  z
    .union([z.int().positive().max(604_800), text('duration')])
    .default(byDefault)
    .describe(description)
    .transform(durationToMs);

const timeoutsSchema = z
  .strictObject({
    boot: duration('5m', 'Power-on until the guest reports.'),
    app: duration('15m', 'One application.'),
    shutdown: duration('2m', 'Power-off request until the machine has ended.'),
  })
  .describe('Deadlines, in seconds or as 10m.')
  .transform(({ boot, app, shutdown }) => ({ bootMs: boot, appMs: app, shutdownMs: shutdown }));

export const vmSchema: z.ZodType<VmSettings> = z
  .strictObject({
    memory: text('size').default('1G').describe('Memory of the guest.'),
    cpus: z.int().min(1).max(64).default(2).describe('Virtual processors.'),
    accelerator: z
      .enum(['auto', 'kvm', 'tcg'])
      .default('auto')
      .describe('auto takes KVM where a probe shows that it works.'),
    timeouts: timeoutsSchema.prefault({}),
  })
  .describe('The virtual machine in which applications are installed.')
  .transform(({ memory, ...rest }) => ({ ...rest, memoryMiB: sizeToBytes(memory) / 1024 ** 2 }));

export const captureSchema: z.ZodType<CaptureSettings> = z
  .strictObject({
    formats: z
      .array(z.enum(['qcow2', 'vhdx', 'raw.zst', 'ffu']))
      .min(1)
      .default(['qcow2', 'vhdx'])
      .describe('Formats of the finished image; raw.zst comes with a block map for bmaptool.')
      .transform((list) => [...new Set(list)]),
    ffu: z
      .strictObject({
        compress: z
          .boolean()
          .default(false)
          .describe(
            'Compressed (V1_COMPRESSED, plain XPRESS): smaller, but hardly a reader but DISM knows it.',
          ),
      })
      .exactOptional()
      .describe('How the FFU is written, where formats has ffu.'),
    sign: z
      .strictObject({
        key: text('secret')
          .pipe(z.custom<SecretReference>())
          .describe(
            'Reference (env:NAME or file:PATH) to a secret key of minisign without a password, or ed25519 as PKCS #8 in PEM.',
          ),
      })
      .exactOptional()
      .describe('Signs SHA256SUMS, which names all other files, as SHA256SUMS.minisig.'),
  })
  .describe('What is captured.');

export const reproducibleSchema: z.ZodType<Reproducible> = z
  .strictObject({
    sourceDateEpoch: z
      .int()
      // FAT, which the boot partition is, begins in 1980.
      .min(315_532_800)
      .max(4_294_967_295)
      .exactOptional()
      .describe('Seconds since 1970 that every time stamp is clamped to.'),
  })
  .describe('What makes two builds equal.');
