import type { Finding } from './diagnostic.ts';
import type { Recipe } from './recipe.ts';

/** Rules between the fields of `usb`, and between them and `media`. Pure. */
export function usbFindings({ usb, media }: Recipe): Finding[] {
  if (usb === false) return [];
  const findings: Finding[] = [...repeated(usb.targets, 'targets'), ...repeated(usb.serials, 'serials')];
  if (usb.targets.length + usb.serials.length === 0)
    findings.push({
      path: ['usb'],
      message: 'nothing is named to write to',
      expected: 'targets or serials with at least one entry',
      remedy: 'Name the sticks ("osforge flash --list" shows them), or set usb to false.',
    });
  if (usb.write === 'media' && (media === false || !media.formats.includes('stick')))
    findings.push({
      path: ['usb', 'write'],
      message: 'no stick image is made',
      expected: 'media.formats with stick in it',
      remedy: 'Add stick to media.formats, or set usb.write to image.',
    });
  return findings;
}

function repeated(entries: readonly string[], list: string): Finding[] {
  return entries.flatMap((entry, index) =>
    entries.indexOf(entry) === index
      ? []
      : [
          {
            path: ['usb', list, index],
            message: `"${entry}" is there already`,
            expected: 'each target once',
            remedy: 'Remove one of them.',
          },
        ],
  );
}
