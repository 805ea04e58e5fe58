import { makeEventReader, requireWhole } from '../store/event-reader.ts'
import type { EventReader, ReadStreamOptions } from '../store/store.ts'
import { EVENT_COLUMNS, toEnvelope } from './event-row.ts'
import type { ReadSide } from './reader.ts'

const FORWARD = `select ${EVENT_COLUMNS} from event_log e where e.stream = ? and e.version between ? and ? order by e.version limit ?`
const BACKWARD = `select ${EVENT_COLUMNS} from event_log e where e.stream = ? and e.version between ? and ? order by e.version desc limit ?`

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
  const { from = 1, to = Number.MAX_SAFE_INTEGER, reverse = false } = options
  requireWhole('from', from, 1)
  requireWhole('to', to, 0)
  return makeEventReader(async (last, size) => {
    const side = await open()
    const low = last === undefined || reverse ? from : last.streamVersion + 1
    const high = last === undefined || !reverse ? to : last.streamVersion - 1
    return side.read(() => {
      const rows = side.connection.rows(reverse ? BACKWARD : FORWARD).all(stream, low, high, size)
      const events = rows.map((row) => toEnvelope(row, side.names))
      return { events, more: events.length === size }
    })
  }, options)
}
