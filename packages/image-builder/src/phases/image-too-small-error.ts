/** What the recipe asks for does not fit on the disk that it asks for. */
export class ImageTooSmallError extends Error {
  readonly code = 'IMAGE_TOO_SMALL';
  readonly diskSizeBytes: number;

  constructor(diskSizeBytes: number, options?: ErrorOptions) {
    super(
      `the operating system does not fit on a disk of ${Math.floor(diskSizeBytes / 1024 ** 2)} MiB: ` +
        'give a larger disk.size in the recipe, or fewer packages',
      options,
    );
    this.name = 'ImageTooSmallError';
    this.diskSizeBytes = diskSizeBytes;
  }
}
