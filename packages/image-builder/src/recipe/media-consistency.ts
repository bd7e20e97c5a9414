import type { Finding } from './diagnostic.ts';
import type { MediaSettings, Recipe } from './recipe.ts';

const mebibyte = 1024 ** 2;
/** A label of a host name; RFC 1123. */
const longestName = 63;

/** Rules between the fields of `media`, and between them and the rest. Pure. */
export function mediaFindings({ media, disk }: Recipe): Finding[] {
  if (media === false) return [];
  return [...diskFindings(media, disk.sizeBytes), ...hostnameFindings(media)];
}

function diskFindings({ disk }: MediaSettings, imageBytes: number): Finding[] {
  const findings: Finding[] = [];
  const { select, serials, minBytes, maxBytes } = disk;
  if (select === 'serial' && serials.length === 0)
    findings.push({
      path: ['media', 'disk', 'select'],
      message: 'no disk is named',
      expected: 'media.disk.serials with at least one serial number',
      remedy: 'Add media.disk.serials, or choose by only, smallest or largest.',
    });
  if (select !== 'serial' && serials.length > 0)
    findings.push({
      path: ['media', 'disk', 'serials'],
      message: `disks are named, and select: ${select} does not look at their names`,
      expected: 'select: serial',
      remedy: 'Set media.disk.select to serial, or remove the serial numbers.',
    });
  if (minBytes !== undefined && maxBytes !== undefined && minBytes > maxBytes)
    findings.push({
      path: ['media', 'disk', 'maxSize'],
      message: 'no disk is so small and so large at once',
      expected: `at least minSize, ${minBytes / mebibyte}M`,
    });
  else if (maxBytes !== undefined && maxBytes < imageBytes)
    findings.push({
      path: ['media', 'disk', 'maxSize'],
      message: 'the image does not fit on any such disk',
      expected: `at least disk.size, ${imageBytes / mebibyte}M`,
    });
  return findings;
}

function hostnameFindings({ formats, hostname }: MediaSettings): Finding[] {
  if (hostname === undefined) return [];
  const { template, names } = hostname;
  const path = ['media', 'hostname', 'template'];
  if (template === undefined)
    return names === undefined
      ? [
          {
            path: ['media', 'hostname'],
            message: 'nothing says what the name is to be',
            expected: 'template, names or both',
            remedy: 'Add template: "{name}-{serial}", or remove hostname.',
          },
        ]
      : [];
  const findings: Finding[] = [];
  const literal = template.replaceAll(/\{[^}]*\}/g, '');
  if (literal.length >= longestName || /^-|-$/.test(template))
    findings.push({
      path,
      message: `"${template}" is no host name, whatever is put in`,
      expected: `at most ${longestName} characters, not starting or ending with a hyphen`,
    });
  if (template.includes('{counter')) {
    // Only a stick can be written to, so that no number is given twice.
    const unwritable = formats.filter((format) => format !== 'stick');
    if (unwritable.length > 0)
      findings.push({
        path,
        message: `{counter} cannot be kept on what media.formats has: ${unwritable.join(', ')}`,
        expected: 'formats: [stick] with {counter}, or a template without it',
        remedy: 'Take {serial} or {mac}, or set media.formats to [stick].',
      });
    if ((template.match(/\{counter/g) ?? []).length > 1)
      findings.push({ path, message: '{counter} is there twice', expected: 'one {counter}' });
  }
  return findings;
}
