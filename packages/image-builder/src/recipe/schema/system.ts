import * as z from 'zod';
import type { Distribution, SystemSettings, Updates } from '../recipe.ts';
import { text } from './text.ts';

export const distributionSchema: z.ZodType<Distribution> = z
  .strictObject({
    id: z.literal('debian').default('debian').describe('The distribution.'),
    release: z.literal('bookworm').default('bookworm').describe('Code name of the release.'),
    mirror: text('mirror')
      .exactOptional()
      .describe("Archive to use instead of the machine's own apt sources; {snapshot} is replaced."),
    securityMirror: text('mirror')
      .exactOptional()
      .describe("Archive of the security suite, used instead of the machine's own; {snapshot} is replaced."),
    snapshot: text('snapshot')
      .exactOptional()
      .describe('Point in time of the archive, as YYYYMMDDTHHMMSSZ; needs mirror with {snapshot} in it.'),
    components: z
      .array(z.enum(['main', 'contrib', 'non-free', 'non-free-firmware']))
      .min(1)
      .default(['main'])
      .describe('Components of the archive.'),
  })
  .describe('Where the packages come from.');

export const updatesSchema: z.ZodType<Updates> = z
  .strictObject({
    security: z.boolean().default(true).describe('Take packages of the security suite.'),
    stable: z.boolean().default(true).describe('Take packages of the <release>-updates suite.'),
  })
  .describe('Which update suites are used.');

/** The host name is the recipe's name where it is left out, which only the whole recipe knows. */
export type SystemInput = Omit<SystemSettings, 'hostname'> & Partial<Pick<SystemSettings, 'hostname'>>;

export const systemSchema: z.ZodType<SystemInput> = z
  .strictObject({
    hostname: text('hostName').max(64).exactOptional().describe("Host name; the recipe's name by default."),
    locale: text('locale').default('C.UTF-8').describe('Default locale.'),
    timezone: text('timezone').default('Etc/UTC').describe('Time zone.'),
    kernel: text('packageName').default('linux-image-cloud-amd64').describe('Package of the kernel.'),
    kernelCommandLine: z
      .array(text('kernelArgument'))
      .default([])
      .describe('Extra kernel arguments, one an element.'),
    packages: z.array(text('packageSpec')).default([]).describe('Extra packages of the base system.'),
  })
  .describe('The operating system itself.');
