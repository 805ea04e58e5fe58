import type { App } from 'tidings'

/** Resolves when everything is handled, and what came of it too. */
export async function settled({
  delivery,
  store,
}: {
  readonly delivery: Pick<App['delivery'], 'caughtUp'>
  readonly store: Pick<App['store'], 'head'>
}): Promise<void> {
  for (;;) {
    const head = await store.head()
    await delivery.caughtUp()
    if ((await store.head()) === head) return
  }
}
