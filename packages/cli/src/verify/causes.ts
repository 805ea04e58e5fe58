import type { Store } from 'tidings'
import { streamName, type StoredEnvelope } from 'tidings/contract'
import type { Translate } from '../texts/texts.ts'
import type { Fault } from './fault.ts'

/**
 * Ids remembered so that most causes need no look-up: a cause mostly stands shortly before its
 * effects. 50,000 ids are some 6 MB.
 */
const REMEMBERED = 50_000

/**
 * Checks that what led to an event is in the log, before it: an event or a command. Events are given
 * in order of position.
 *
 * @param options.forgets something was deleted: a cause that is not there may have been
 */
export function createCauseCheck(
  store: Store,
  t: Translate,
  { forgets }: { readonly forgets: boolean },
): (event: StoredEnvelope) => Promise<Fault | undefined> {
  let recent = new Set<string>()
  let older = new Set<string>()

  const remember = (id: string): void => {
    recent.add(id)
    if (recent.size < REMEMBERED) return
    older = recent
    recent = new Set()
  }

  return async (event) => {
    const { causationId, eventId, position, aggregateType, aggregateId } = event
    const known = causationId === undefined || recent.has(causationId) || older.has(causationId)
    remember(eventId)
    if (known) return undefined
    const place = { position, stream: streamName(aggregateType, aggregateId), eventId }
    const cause = await store.findEvent(causationId)
    if (cause !== undefined) {
      if (cause.position < position) return undefined
      return {
        ...place,
        code: 'cause-later',
        message: t('verify.cause-later', { id: causationId, position: String(cause.position) }),
      }
    }
    if ((await store.commands.find(causationId)) !== undefined) {
      remember(causationId)
      return undefined
    }
    if (forgets) return undefined
    return {
      ...place,
      code: 'cause-missing',
      message: t('verify.cause-missing', { id: causationId }),
    }
  }
}
