import * as z from 'zod';
import type { User } from '../recipe.ts';
import type { SecretReference } from '../secret-reference.ts';
import { text } from './text.ts';

export const userSchema: z.ZodType<User> = z
  .strictObject({
    name: text('userName').describe('Login name.'),
    groups: z.array(text('userName')).default([]).describe('Supplementary groups.'),
    shell: text('shell').default('/bin/bash').describe('Login shell.'),
    password: text('secret')
      .pipe(z.custom<SecretReference>())
      .exactOptional()
      .describe('Reference (env:NAME or file:PATH) to a crypt(3) hash as mkpasswd prints it.'),
    authorizedKeys: z
      .array(text('authorizedKey').max(16384))
      .default([])
      .describe('OpenSSH public keys, or references to them.'),
    sudo: z.boolean().default(false).describe('May become root with sudo.'),
  })
  .describe('A user account. There is no default password; root stays locked.');
