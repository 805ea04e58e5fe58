import { LinkedAbort } from '../internal/linked-abort.ts'
import type { ListenerEntry, ListenerList } from './listener-table.ts'

/** The listeners of one delivery that its publisher may give up. */
export interface AbortableList {
  readonly list: ListenerList
  /** To be called when the last handler has ended. */
  readonly release: () => void
}

/** The same listeners, whose `ctx.signal` the publisher's signal aborts too. */
export function abortable({ entries, handled }: ListenerList, signal: AbortSignal): AbortableList {
  const links = entries.map(({ context }) => new LinkedAbort(context.listenerSignal, signal))
  const linked = entries.map((entry, index) => {
    const context = { ...entry.context, signal: links[index]!.signal }
    // Inherited, not copied: whether a listener is still active shows in its own entry.
    return Object.create(entry, { context: { value: context } }) as ListenerEntry
  })
  return {
    list: { entries: linked, handled },
    release: () => {
      for (const link of links) link.release()
    },
  }
}
