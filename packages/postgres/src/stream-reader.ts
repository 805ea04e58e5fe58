import type { EventReader, ReadStreamOptions } from 'tidings'
import { makeEventReader, requireWhole } from 'tidings/store'

import { EVENT_COLUMNS, toEnvelopes } from './event-row.ts'
import type { ReadSide } from './reader.ts'

/** The greatest version that a column holds. */
const MAX_VERSION = 2_147_483_647

/**
 * The events of one stream.
 *
 * @param open where to read; asked for when the first page is wanted
 */
export function readStreamPages(
  open: () => Promise<ReadSide>,
  stream: string,
  options: ReadStreamOptions = {},
): EventReader {
  const { from = 1, to = MAX_VERSION, reverse = false } = options
  requireWhole('from', from, 1)
  requireWhole('to', to, 0)
  return makeEventReader(async (last, size) => {
    const side = await open()
    const low = last === undefined || reverse ? from : last.streamVersion + 1
    const high = last === undefined || !reverse ? to : last.streamVersion - 1
    const rows = await side.rows(
      `select ${EVENT_COLUMNS} from ${side.schema}.event_log e where e.stream = $1 and e.version between $2 and $3
       order by e.version ${reverse ? 'desc' : 'asc'} limit $4`,
      [stream, Math.min(low, MAX_VERSION), Math.min(high, MAX_VERSION), size],
    )
    const events = await toEnvelopes(rows, side.names)
    return { events, more: events.length === size }
  }, options)
}
