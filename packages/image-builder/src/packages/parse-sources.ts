import type { MachineSource } from './package-source.ts';
import { parseFields, splitStanzas } from './stanzas.ts';

/** Binary sources of a `sources.list` file in one-line style; see sources.list(5). Pure. */
export function parseOneLineSources(text: string): MachineSource[] {
  return text.split('\n').flatMap((raw): MachineSource[] => {
    const line = raw.replace(/#.*$/, '').trim();
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (match === null) return [];
    const [, optionText = '', uri = '', suite = '', components = ''] = match;
    const options = new Map(
      words(optionText).map((option): [string, string] => {
        const [name = '', ...value] = option.split('=');
        return [name.toLowerCase(), value.join('=')];
      }),
    );
    return [
      source(
        uri,
        suite,
        words(components),
        words((options.get('arch') ?? '').replaceAll(',', ' ')),
        options.get('signed-by'),
      ),
    ];
  });
}

/** Binary sources of a `.sources` file in deb822 style; paragraphs that are not enabled are left out. Pure. */
export function parseDeb822Sources(text: string): MachineSource[] {
  return splitStanzas(text.replace(/^#.*\n?/gm, '')).flatMap((stanza) => {
    const fields = parseFields(stanza);
    const field = (name: string): string => fields.get(name) ?? '';
    if (/^(no|false|0|off|without|disable)$/i.test(field('enabled').trim())) return [];
    if (!words(field('types')).includes('deb')) return [];
    return words(field('uris')).flatMap((uri) =>
      words(field('suites')).map((suite) =>
        source(
          uri,
          suite,
          words(field('components')),
          words(field('architectures')),
          fields.get('signed-by'),
        ),
      ),
    );
  });
}

function source(
  uri: string,
  suite: string,
  components: string[],
  architectures: string[],
  signedBy: string | undefined,
): MachineSource {
  const key = signedBy?.trim();
  return {
    uri,
    suite,
    components,
    architectures,
    // An armoured key in the file itself is somebody else's than Debian's keyring file.
    ...(key === undefined || key === '' ? {} : { signedBy: key.includes('\n') ? 'inline' : key }),
  };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
