/**
 * @typedef {'ours' | 'peer' | 'floor'} Role a peer does the same by other means; a floor is the least that it can cost
 */

/**
 * What an entry of a bench is, by the beginning of its name: `peer: sha256sum`, `floor: write + fsync`; all else is
 * ours.
 *
 * @param {string} fullName
 * @returns {{ role: Role, name: string }}
 */
export function roleOf(fullName) {
  const [, role, name] = /^(peer|floor): (.+)$/s.exec(fullName) ?? [];
  return (role === 'peer' || role === 'floor') && name !== undefined
    ? { role, name }
    : { role: 'ours', name: fullName };
}

/**
 * A bench of operations that are shorter than a call says in its title how many it does in each call, as in
 * `publish to one subscriber (1000 operations a call)`, and is reported in nanoseconds for one.
 *
 * @param {string} title
 * @returns {{ name: string, operations: number | undefined }}
 */
export function operationsOf(title) {
  const [whole, operations] = / \((\d+) operations a call\)$/.exec(title) ?? [];
  return whole === undefined
    ? { name: title, operations: undefined }
    : { name: title.slice(0, -whole.length), operations: Number(operations) };
}

/**
 * What to say when an entry failed because its program is not on this machine.
 *
 * @param {unknown} error
 * @returns {string | undefined} undefined when it failed for another reason
 */
export function missingProgram(error) {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, path, status, syscall } =
      /** @type {{ code?: unknown, path?: unknown, status?: unknown, syscall?: unknown }} */ (
        /** @type {unknown} */ (at)
      );
    const spawned = typeof syscall === 'string' && syscall.startsWith('spawn');
    if (code === 'ENOENT' && spawned) return `${String(path)} is not installed`;
    // What a shell ends with when it does not find a program.
    if (status === 127 || code === 127) {
      return (
        /([\w.+-]+): (?:command )?not found/.exec(at.message)?.[1]?.concat(' is not installed') ??
        'a program that it needs is not installed'
      );
    }
  }
  return undefined;
}
