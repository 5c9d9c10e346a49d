/**
 * Calls `fn` on at most `limit` items at once and yields the results in the order of the items, so that the output does
 * not depend on which decoder was faster. An error in `fn` ends the iteration.
 */
export async function* mapOrdered<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  fn: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = fn(item);
      // While an earlier result is awaited, a later error must not count as unhandled.
      result.catch(() => undefined);
      running.push(result);
      if (running.length >= limit) {
        yield await running[0];
        running.shift();
      }
    }
    while (running.length > 0) {
      yield await running[0];
      running.shift();
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/**
 * Calls `fn` on at most `limit` items at once, the next as soon as any has ended, and gives the results in the order of the
 * items. An error of `fn` ends one of the `limit` workers, and the others go on; it is thrown when they have ended.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  limit: number,
  fn: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const work = async () => {
    for (const [i, item] of left) results[i] = await fn(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: limit }, work));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
}
