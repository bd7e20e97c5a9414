/** One file of a tree, as a digest or a comparison needs it. */
export interface TreeEntry {
  /** `/` for the root, else `/a/b`. Bytes that are no UTF-8 are replaced; see `pathHex`. */
  readonly path: string;
  /** The path's bytes in hex; only where they are no UTF-8. */
  readonly pathHex?: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket';
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Length of a file's content or of a link's target; 0 for the others. */
  readonly sizeBytes: number;
  readonly linkTarget?: string;
  /** Of a file's content. */
  readonly sha256?: string;
  /** Values in hex by name, names in order. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** `major:minor` of a device node. */
  readonly rdev?: string;
  readonly mtimeSeconds: number;
  /** The first path of the same file, for its second and further names. */
  readonly hardLinkTo?: string;
}
