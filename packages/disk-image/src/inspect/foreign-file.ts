/** Files that people take for disk images and that are none that is read here; read as raw they would be nonsense. */
export type ForeignFormat = 'zip' | 'bzip2' | 'lz4' | 'lzip' | '7z' | 'tar' | 'vmdk' | 'vdi' | 'vhd';

export interface ForeignFile {
  readonly format: ForeignFormat;
  /** What it is, behind "is": `a zip archive`. */
  readonly what: string;
  /** What to do, in a few words with a program: `unpack it first (unzip)`. */
  readonly remedy: string;
}

/** So many bytes of a file's beginning tell. */
export const foreignHeadBytes = 512;

type Magic = readonly [offset: number, bytes: Buffer];

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const unpack = (what: string, program: string): Omit<ForeignFile, 'format'> => ({
  what,
  remedy: `unpack it first (${program}) and name the image that was in it`,
});
const convert = (what: string): Omit<ForeignFile, 'format'> => ({
  what,
  remedy: 'convert it first (qemu-img convert -O qcow2)',
});

const zip = unpack('a zip archive', 'unzip');
const bzip2 = unpack('compressed by bzip2', 'bunzip2 -k');
const lz4 = unpack('compressed by lz4', 'lz4 -d');
const tar = unpack('a tar archive', 'tar -xf');
const vmdk = convert('a VMDK image');

/** All magics of a line have to be there. */
const table: readonly (readonly [ForeignFormat, Omit<ForeignFile, 'format'>, readonly Magic[]])[] = [
  ['zip', zip, [[0, hex('504b0304')]]],
  // Without a file in it.
  ['zip', zip, [[0, hex('504b0506')]]],
  // The digit between them is the block size; then the first block, or the end of an empty file.
  [
    'bzip2',
    bzip2,
    [
      [0, Buffer.from('BZh')],
      [4, hex('314159265359')],
    ],
  ],
  [
    'bzip2',
    bzip2,
    [
      [0, Buffer.from('BZh')],
      [4, hex('177245385090')],
    ],
  ],
  ['lz4', lz4, [[0, hex('04224d18')]]],
  // The older frame, which the Linux kernel uses.
  ['lz4', lz4, [[0, hex('02214c18')]]],
  ['lzip', unpack('compressed by lzip', 'lzip -dk'), [[0, Buffer.from('LZIP')]]],
  ['7z', unpack('a 7z archive', '7z x'), [[0, hex('377abcaf271c')]]],
  ['tar', tar, [[257, Buffer.from('ustar')]]],
  ['vmdk', vmdk, [[0, Buffer.from('KDMV')]]],
  // The text that names the files of a disk.
  ['vmdk', vmdk, [[0, Buffer.from('# Disk DescriptorFile')]]],
  ['vdi', convert('a VDI image'), [[64, hex('7f10dabe')]]],
  // That of a fixed size has its mark at the end, and is a raw disk before.
  ['vhd', convert('a VHD image'), [[0, Buffer.from('conectix')]]],
];

/** Tells from the first `foreignHeadBytes` that a file is no disk image, or one of a kind that is not read here. */
export function foreignFile(head: Uint8Array): ForeignFile | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const found = table.find(([, , magics]) =>
    magics.every(([at, magic]) => bytes.subarray(at, at + magic.length).equals(magic)),
  );
  if (found === undefined) return undefined;
  const [format, facts] = found;
  return { format, ...facts };
}
