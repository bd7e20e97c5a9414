/** Keeps the last `size` items, in the order in which they came. */
export interface ReplayBuffer<T> {
  push(item: T): void;
  /** A copy, oldest first. */
  items(): T[];
}

/** A ring: pushing costs the same whatever its size. */
export function createReplayBuffer<T>(size: number): ReplayBuffer<T> {
  const ring: T[] = [];
  let oldest = 0;
  return {
    push(item) {
      if (size <= 0) return;
      if (ring.length < size) {
        ring.push(item);
        return;
      }
      ring[oldest] = item;
      oldest = (oldest + 1) % size;
    },
    items: () => [...ring.slice(oldest), ...ring.slice(0, oldest)],
  };
}
