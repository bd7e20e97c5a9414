import type { Finding } from './diagnostic.ts';
import type { Recipe } from './recipe.ts';

/** Rules between the fields of `capture`. Pure. */
export function captureFindings({ capture }: Recipe): Finding[] {
  if (capture.ffu === undefined || capture.formats.includes('ffu')) return [];
  return [
    {
      path: ['capture', 'ffu'],
      message: 'no FFU is captured',
      expected: 'capture.formats with ffu in it',
      remedy: 'Add ffu to capture.formats, or remove capture.ffu.',
    },
  ];
}
