import * as z from 'zod';
import { formats } from '../formats.ts';

/** Text of one of the recipe's formats; `formatOfPattern` finds the way back from an issue. */
export function text(name: keyof typeof formats): z.ZodString {
  return z.string().regex(formats[name].pattern).max(1024);
}
