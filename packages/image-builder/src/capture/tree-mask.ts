import type { MaskRule } from '@osforge/disk-image';

/**
 * What a running system cannot help but vary between two builds of the same inputs, and why. Everything else in the
 * tree must be equal: path, mode, owner, size, content, link target, extended attributes.
 */
export const treeMask: readonly MaskRule[] = [];
