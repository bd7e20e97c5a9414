/** What is tracked: everything that keeps a process awake, a descriptor open, or an object reachable. */
export type ResourceKind =
  'listener' | 'timer' | 'socket' | 'server' | 'child' | 'worker' | 'watcher' | 'other';

/** One thing that is open now. */
export interface OpenResource {
  /** Who opened it: the name given to `own`, or what the ambient watch was told. */
  readonly owner: string;
  readonly kind: ResourceKind;
  /** What it is, for a reader: `interval of 1000 ms`, `sleep 60 (pid 4711)`, `SIGTERM on process`. */
  readonly detail: string;
  /** The frames that opened it, one a line; undefined unless stacks are on. */
  readonly openedAt: string | undefined;
}

/** Equal resources of one owner, as a report lists them. */
export interface ResourceLeak {
  readonly owner: string;
  readonly kind: ResourceKind;
  readonly count: number;
  /** The different details, at most ten. */
  readonly details: readonly string[];
  /** Where the first of them was opened; undefined unless stacks are on. */
  readonly openedAt: string | undefined;
}

/** The most details that a leak lists. */
const maxDetails = 10;

/** Put resources of the same owner, kind and place together, in the order in which they were opened. */
export function groupLeaks(resources: Iterable<OpenResource>): ResourceLeak[] {
  const groups = new Map<string, OpenResource[]>();
  for (const resource of resources) {
    const key = JSON.stringify([resource.owner, resource.kind, resource.openedAt]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [resource]);
    else group.push(resource);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { owner, kind, openedAt } = first;
    const details = [...new Set(group.map(({ detail }) => detail))].slice(0, maxDetails);
    return [{ owner, kind, count: group.length, details, openedAt }];
  });
}
