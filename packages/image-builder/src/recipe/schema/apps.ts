import * as z from 'zod';
import type { App, Drivers } from '../recipe.ts';
import { text } from './text.ts';

export const driversSchema: z.ZodType<Drivers> = z
  .strictObject({
    packages: z.array(text('packageSpec')).default([]).describe('Firmware or driver packages.'),
    folder: text('relativePath')
      .exactOptional()
      .describe("Folder of .deb files, relative to the recipe's folder."),
  })
  .describe('Drivers that the image needs.');

const fileSchema = z
  .strictObject({
    source: text('relativePath').describe("File or folder, relative to the recipe's folder."),
    target: text('absolutePath').describe('Absolute path in the image.'),
    mode: text('mode')
      .default('0644')
      .describe('Permission bits in octal, in quotes.')
      .transform((octal) => Number.parseInt(octal, 8)),
    owner: text('owner').default('root:root').describe('user or user:group.'),
  })
  .describe('A file or folder to copy into the image.');

const scriptSchema = z
  .strictObject({
    path: text('relativePath').describe("Script, relative to the recipe's folder."),
    args: z.array(text('line')).default([]).describe('Arguments.'),
    env: z
      .record(text('variable'), text('line').max(32768))
      .default({})
      .describe('Variables; a value that starts with env: or file: is a secret reference.'),
  })
  .describe('A script that runs in the guest.');

const checkSchema = z
  .union([
    z.strictObject({
      unit: text('unitName').describe('systemd unit, with its suffix.'),
      active: z.boolean().default(true).describe('Whether it must be active or must not be.'),
    }),
    z.strictObject({
      command: z.array(text('line')).min(1).describe('Program and arguments; exit code 0 is good.'),
    }),
  ])
  .describe('What must hold in the guest after the installation.');

export const appSchema: z.ZodType<App> = z
  .strictObject({
    name: text('name').describe('Name of the application.'),
    packages: z.array(text('packageSpec')).default([]).describe('Debian packages.'),
    files: z.array(fileSchema).default([]).describe('Files to copy.'),
    scripts: z.array(scriptSchema).default([]).describe('Scripts to run, in this order.'),
    checks: z.array(checkSchema).default([]).describe('Checks after the installation.'),
  })
  .describe('An application that is installed inside the running VM.');
