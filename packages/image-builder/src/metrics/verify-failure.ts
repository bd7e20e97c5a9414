/** What says that the disk or the image is not what it has to be, and not that something could not be done. */
const verifyCodes: ReadonlySet<string> = new Set([
  // A file system that was not closed, a disk that lost its partitions, a record that does not fit.
  'BUILD_INCONSISTENT',
  // What was read back is not what was written.
  'FLUSH_VERIFY',
  // An artifact that changed, or has another size, while it was made durable.
  'CHECKPOINT_ARTIFACT',
  'DISK_IMAGE_GPT_FORMAT',
  'DISK_IMAGE_EXT4_FORMAT',
  'DISK_IMAGE_FAT_FORMAT',
]);

/** Whether a failed phase is a capture that was refused for what it found. */
export function isVerifyFailure(phase: string, code: string | undefined): code is string {
  return phase === 'capture' && code !== undefined && verifyCodes.has(code);
}
