/** A promise and what settles it. */
export interface Gate {
  readonly promise: Promise<undefined>;
  readonly resolve: (value: undefined) => void;
  readonly reject: (reason: unknown) => void;
}

export function createGate(): Gate {
  let resolve: Gate['resolve'] = () => {};
  let reject: Gate['reject'] = () => {};
  const promise = new Promise<undefined>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
