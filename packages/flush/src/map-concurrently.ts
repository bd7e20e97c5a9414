/**
 * Maps with a limit on what runs at once; results in the order of the items. After a failure nothing more is
 * begun, and what runs is waited for, so that nothing goes on behind the caller's back.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const pending = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    // The lanes share one iterator: each takes the next item.
    for (const [index, item] of pending) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.max(1, limit) }, lane));
  for (const outcome of lanes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  return results;
}
