/** Options of every error here: the lower error, where there is one. */
export interface DiskImageErrorOptions {
  readonly cause?: unknown;
}

/** A limit against hostile or runaway images was reached; each kind has a class and a code of its own. */
export abstract class LimitError extends Error {
  /** The option to raise. */
  readonly limit: string;
  /** The message without the remedy, for programs that have another name for the option. */
  readonly detail: string;
  constructor(limit: string, detail: string) {
    super(`${detail}: raise ${limit} if the image is trusted`);
    this.limit = limit;
    this.detail = detail;
  }
}

/** A GPT cannot be planned as asked: sizes, alignment or names do not fit the disk. */
export class GptPlanError extends Error {
  readonly code = 'DISK_IMAGE_GPT_PLAN';
  override readonly name = 'GptPlanError';
}

/** Neither the primary nor the backup GPT of a disk can be read. */
export class GptFormatError extends Error {
  readonly code = 'DISK_IMAGE_GPT_FORMAT';
  override readonly name = 'GptFormatError';
}

/** A read or write reaches outside the image. Usually: the image is truncated. */
export class ImageBoundsError extends Error {
  readonly code = 'DISK_IMAGE_BOUNDS';
  override readonly name = 'ImageBoundsError';
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly imageSizeBytes: number;
  constructor(offsetBytes: number, lengthBytes: number, imageSizeBytes: number) {
    super(
      `bytes ${offsetBytes}..${offsetBytes + lengthBytes} lie outside the image of ${imageSizeBytes} bytes: the image is truncated or the offset is wrong`,
    );
    this.offsetBytes = offsetBytes;
    this.lengthBytes = lengthBytes;
    this.imageSizeBytes = imageSizeBytes;
  }
}

/** A file that would have to be overwritten exists already. */
export class ImageExistsError extends Error {
  readonly code = 'DISK_IMAGE_EXISTS';
  override readonly name = 'ImageExistsError';
  readonly path: string;
  constructor(path: string, options?: DiskImageErrorOptions) {
    super(`${path} exists already: remove it, or pass overwrite: true`, options);
    this.path = path;
  }
}

/** The bytes are not an ext4 file system, or a damaged (or hostile) one. */
export class Ext4FormatError extends Error {
  readonly code = 'DISK_IMAGE_EXT4_FORMAT';
  override readonly name = 'Ext4FormatError';
}

/** A sound ext4 that uses something this reader does not do; `feature` names it. */
export class Ext4UnsupportedError extends Error {
  readonly code = 'DISK_IMAGE_EXT4_UNSUPPORTED';
  override readonly name = 'Ext4UnsupportedError';
  readonly feature: string;
  constructor(feature: string) {
    super(`this ext4 file system uses ${feature}, which this reader does not support`);
    this.feature = feature;
  }
}

/** No such file, or not of the kind asked for, in the ext4 image. */
export class Ext4PathError extends Error {
  readonly code = 'DISK_IMAGE_EXT4_PATH';
  override readonly name = 'Ext4PathError';
  readonly path: string;
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
  }
}

/** A limit against hostile or runaway images was reached; `limit` is the option to raise. */
export class Ext4LimitError extends LimitError {
  readonly code = 'DISK_IMAGE_EXT4_LIMIT';
  override readonly name = 'Ext4LimitError';
}

/** The bytes are not a FAT file system, or a damaged one. */
export class FatFormatError extends Error {
  readonly code = 'DISK_IMAGE_FAT_FORMAT';
  override readonly name = 'FatFormatError';
}

/** The bytes are not an NTFS, or a damaged one. */
export class NtfsFormatError extends Error {
  readonly code = 'DISK_IMAGE_NTFS_FORMAT';
  override readonly name = 'NtfsFormatError';
}

/** What was asked for the EFI system partition cannot be made (names, sizes, sources). */
export class EspError extends Error {
  readonly code = 'DISK_IMAGE_ESP';
  override readonly name = 'EspError';
}

/** The host's disk is full; what was being written has been removed. */
export class DiskFullError extends Error {
  readonly code = 'DISK_IMAGE_DISK_FULL';
  override readonly name = 'DiskFullError';
  readonly path: string;
  constructor(path: string, options?: DiskImageErrorOptions) {
    super(`no space left on the device while writing ${path}: free some space there and run again`, options);
    this.path = path;
  }
}

/** `qemu-img` said something that is not what it documents. */
export class QemuImgOutputError extends Error {
  readonly code = 'DISK_IMAGE_QEMU_OUTPUT';
  override readonly name = 'QemuImgOutputError';
}

/** The NBD server of an opened image went away or broke the protocol. */
export class NbdError extends Error {
  readonly code = 'DISK_IMAGE_NBD';
  override readonly name = 'NbdError';
}

/** A compressed block is damaged: `inputOffset` and `outputOffset` are bytes of the block and of what it expands to. */
export class DecompressionError extends Error {
  readonly code = 'DISK_IMAGE_DECOMPRESSION';
  override readonly name = 'DecompressionError';
  readonly algorithm: string;
  readonly reason: string;
  readonly inputOffset: number;
  readonly outputOffset: number;
  constructor(algorithm: string, reason: string, inputOffset: number, outputOffset: number) {
    super(
      `damaged ${algorithm} data at byte ${inputOffset} (${outputOffset} bytes are decompressed): ${reason}`,
    );
    this.algorithm = algorithm;
    this.reason = reason;
    this.inputOffset = inputOffset;
    this.outputOffset = outputOffset;
  }
}

/** The parts of an FFU file, as errors name them. */
export type FfuPart =
  | 'security header'
  | 'catalog'
  | 'hash table'
  | 'image header'
  | 'manifest'
  | 'store header'
  | 'validation descriptors'
  | 'write descriptors'
  | 'payload';

/** The bytes are not an FFU, or a damaged (or hostile) one: which part, and where in the file. */
export class FfuFormatError extends Error {
  readonly code = 'DISK_IMAGE_FFU_FORMAT';
  override readonly name = 'FfuFormatError';
  readonly part: FfuPart;
  /** Byte of the file at which the damaged part or field begins. */
  readonly offsetBytes: number;
  readonly reason: string;
  constructor(part: FfuPart, offsetBytes: number, reason: string, options?: DiskImageErrorOptions) {
    super(`FFU, ${part} at byte ${offsetBytes}: ${reason}`, options);
    this.part = part;
    this.offsetBytes = offsetBytes;
    this.reason = reason;
  }
}

/** An FFU that uses something this reader does not do; `feature` names it. */
export class FfuUnsupportedError extends Error {
  readonly code = 'DISK_IMAGE_FFU_UNSUPPORTED';
  override readonly name = 'FfuUnsupportedError';
  readonly feature: string;
  constructor(feature: string) {
    super(`this FFU uses ${feature}, which is not supported here`);
    this.feature = feature;
  }
}

/** A limit against hostile or runaway FFU files was reached; `limit` is the option to raise. */
export class FfuLimitError extends LimitError {
  readonly code = 'DISK_IMAGE_FFU_LIMIT';
  override readonly name = 'FfuLimitError';
}

/** What is stored in an FFU does not have the digest that its hash table holds. */
export class FfuDigestError extends Error {
  readonly code = 'DISK_IMAGE_FFU_DIGEST';
  override readonly name = 'FfuDigestError';
  /** Byte of the file at which the damaged chunk begins. */
  readonly offsetBytes: number;
  /** Which digest of the hash table. */
  readonly digestIndex: number;
  constructor(offsetBytes: number, digestIndex: number) {
    super(
      `FFU: the chunk at byte ${offsetBytes} does not have digest ${digestIndex} of the hash table: the file is damaged, get it again`,
    );
    this.offsetBytes = offsetBytes;
    this.digestIndex = digestIndex;
  }
}

/** A disk that cannot be captured as FFU as asked, or that changed while it was. */
export class FfuSourceError extends Error {
  readonly code = 'DISK_IMAGE_FFU_SOURCE';
  override readonly name = 'FfuSourceError';
}

/** A thread that compresses could not be started, or ended. */
export class FfuWorkerError extends Error {
  readonly code = 'DISK_IMAGE_FFU_WORKER';
  override readonly name = 'FfuWorkerError';
}

/** Another capture is writing the same target; `pid` is its process. */
export class FfuBusyError extends Error {
  readonly code = 'DISK_IMAGE_FFU_BUSY';
  override readonly name = 'FfuBusyError';
  readonly path: string;
  readonly pid: number;
  constructor(path: string, pid: number) {
    super(`process ${pid} is writing ${path}: wait for it, or give another target`);
    this.path = path;
    this.pid = pid;
  }
}

/** A compressed image cannot be expanded: it is cut, damaged, or its program is missing. */
export class ImageExpandError extends Error {
  readonly code = 'DISK_IMAGE_EXPAND';
  override readonly name = 'ImageExpandError';
  readonly path: string;
  /** Bytes that came out before. */
  readonly expandedBytes: number;
  readonly reason: string;
  constructor(path: string, expandedBytes: number, reason: string, options?: DiskImageErrorOptions) {
    super(
      `${path} cannot be expanded behind byte ${expandedBytes} of the disk in it: ${reason}; get the file again`,
      options,
    );
    this.path = path;
    this.expandedBytes = expandedBytes;
    this.reason = reason;
  }
}

/** An image is larger, or expands to more, than is allowed; `limit` is the option to raise. */
export class ImageLimitError extends LimitError {
  readonly code = 'DISK_IMAGE_LIMIT';
  override readonly name = 'ImageLimitError';
}

/** An image that reads other files of this machine: nobody but its owner can say whether it may. */
export class ImageBackingError extends Error {
  readonly code = 'DISK_IMAGE_BACKING';
  override readonly name = 'ImageBackingError';
  readonly path: string;
  constructor(path: string, what: string) {
    super(
      `${path} ${what}, which is not followed: fold it into one image first (qemu-img convert), if you trust it`,
    );
    this.path = path;
  }
}

/** An image whose own tables or digests say that it is damaged or cut; `reason` says which, and where. */
export class ImageDamagedError extends Error {
  readonly code = 'DISK_IMAGE_DAMAGED';
  override readonly name = 'ImageDamagedError';
  readonly path: string;
  readonly reason: string;
  constructor(path: string, reason: string, options?: DiskImageErrorOptions) {
    super(`${path} is damaged or cut (${reason}): get the file again`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** A file that is no disk image (an archive), or one of a kind that is not read here; `format` says which. */
export class ImageForeignError extends Error {
  readonly code = 'DISK_IMAGE_FOREIGN';
  override readonly name = 'ImageForeignError';
  readonly path: string;
  readonly format: string;
  constructor(path: string, format: string, what: string, remedy: string) {
    super(`${path} ${what}: ${remedy}`);
    this.path = path;
    this.format = format;
  }
}

/** One disk is needed, and an image has several, or not the one that was named; `disks` says how many it has. */
export class ImageDisksError extends Error {
  readonly code = 'DISK_IMAGE_DISKS';
  override readonly name = 'ImageDisksError';
  readonly path: string;
  readonly disks: number;
  constructor(path: string, disks: number, disk?: number) {
    const has = `${path} has ${disks === 1 ? 'one disk' : `${disks} disks`}`;
    super(
      disk === undefined
        ? `${has}, and one is needed: say which, from 1 to ${disks}`
        : `${has}: there is no disk ${disk}`,
    );
    this.path = path;
    this.disks = disks;
  }
}

/** A conversion that cannot be: an extension without a format, or a target that is the source. */
export class ImageConvertError extends Error {
  readonly code = 'DISK_IMAGE_CONVERT';
  override readonly name = 'ImageConvertError';
}

/** A bmap file that is none, is damaged, or is of another image; `place` is a line or an element. */
export class BmapFormatError extends Error {
  readonly code = 'DISK_IMAGE_BMAP_FORMAT';
  override readonly name = 'BmapFormatError';
  readonly place: string;
  constructor(place: string, reason: string) {
    super(`bmap file, ${place}: ${reason}`);
    this.place = place;
  }
}

/** A key or signature that cannot be used, or a signature that does not hold; `part` says which. Holds no secret. */
export class SignatureError extends Error {
  readonly code = 'DISK_IMAGE_SIGNATURE';
  override readonly name = 'SignatureError';
  readonly part: string;
  constructor(part: string, reason: string, options?: DiskImageErrorOptions) {
    super(`${part}: ${reason}`, options);
    this.part = part;
  }
}

/** True if the error says that bytes read from an image are damaged, cut or hostile: building it again may help, retrying does not. */
export function isImageFormatError(error: unknown): boolean {
  return (
    error instanceof GptFormatError ||
    error instanceof ImageBoundsError ||
    error instanceof Ext4FormatError ||
    error instanceof Ext4UnsupportedError ||
    error instanceof LimitError ||
    error instanceof FatFormatError ||
    error instanceof NtfsFormatError ||
    error instanceof DecompressionError ||
    error instanceof FfuFormatError ||
    error instanceof FfuUnsupportedError ||
    error instanceof FfuDigestError ||
    error instanceof ImageDamagedError ||
    error instanceof ImageExpandError ||
    error instanceof BmapFormatError
  );
}

/** True if the same call may succeed later without a change of its arguments: a full disk, a target that is in use. */
export function isTransientDiskImageError(error: unknown): boolean {
  return error instanceof DiskFullError || error instanceof FfuBusyError;
}
