import { ResourceLeakError } from './errors.ts';
import { createOwner, type Owner } from './owner.ts';
import { groupLeaks, type OpenResource } from './resource.ts';

/** How a tracker is made. */
export interface ResourceTrackerOptions {
  /** Whether to keep where each resource was opened: some microseconds each; default false. */
  readonly stacks?: boolean | undefined;
}

/** Knows what its owners have open. */
export interface ResourceTracker {
  /** A new owner of that name. Owners of one name are separate; a report puts them together. */
  own(name: string): Owner;
  /** What is open now, in the order in which it was opened; of one owner's name if given. */
  open(owner?: string): readonly OpenResource[];
  /** @throws ResourceLeakError when something is open, of one owner's name if given. */
  assertNoLeaks(owner?: string): void;
}

/** A tracker of what components open through it. It keeps nothing of what has been closed. */
export function createResourceTracker({ stacks = false }: ResourceTrackerOptions = {}): ResourceTracker {
  const resources = new Set<OpenResource>();
  const open = (owner?: string): readonly OpenResource[] =>
    [...resources].filter((resource) => owner === undefined || resource.owner === owner);
  return {
    own: (name) => createOwner(name, { resources, stacks }),
    open,
    assertNoLeaks(owner) {
      const left = open(owner);
      if (left.length > 0) throw new ResourceLeakError(groupLeaks(left));
    },
  };
}
