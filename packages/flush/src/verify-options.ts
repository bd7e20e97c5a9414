export interface VerifyOptions {
  /** SHA-256 that the content must have; default: that of the content as it is seen before the flush. */
  expected?: string | undefined;
  /** Throw FlushUnsupportedError where the bytes cannot be read from the device; default false: report `none`. */
  required?: boolean | undefined;
}

/** `true`: verify where possible; `'required'`: or fail. */
export type Verify = boolean | 'required' | VerifyOptions;

/** The options behind the short forms; undefined if nothing is to be verified. */
export function verifyOptions(verify: Verify | undefined): VerifyOptions | undefined {
  if (verify === undefined || verify === false) return undefined;
  if (verify === true) return {};
  return verify === 'required' ? { required: true } : verify;
}
