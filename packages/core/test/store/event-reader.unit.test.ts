import { describe, expect, it } from 'vitest'
import type { StoredEnvelope } from '../../src/contract/envelope.ts'
import {
  makeEventReader,
  type FetchPage,
  type ReaderOptions,
} from '../../src/store/event-reader.ts'
import type { EventReader } from '../../src/store/store.ts'

const events = Array.from(
  { length: 10 },
  (_, index) => ({ eventId: `e${index + 1}`, position: index + 1 }) as StoredEnvelope,
)

function idsOf(list: readonly StoredEnvelope[]): string[] {
  return list.map((event) => event.eventId)
}

/** A reader over ten events that notes what is fetched. */
function tenEvents(options: ReaderOptions = {}): { reader: EventReader; fetches: string[] } {
  const fetches: string[] = []
  const fetchPage: FetchPage = async (last, size) => {
    fetches.push(`${last?.eventId ?? 'start'}+${size}`)
    const from = last?.position ?? 0
    return { events: events.slice(from, from + size), more: from + size < events.length }
  }
  return { reader: makeEventReader(fetchPage, options), fetches }
}

describe('makeEventReader', () => {
  it('fetches a page when the one before is used up, and none after the last', async () => {
    const { reader, fetches } = tenEvents({ pageSize: 4 })
    const iterator = reader[Symbol.asyncIterator]()
    for (let n = 0; n < 4; n++) await iterator.next()
    expect(fetches).toEqual(['start+4'])
    await iterator.next()
    expect(fetches).toEqual(['start+4', 'e4+4'])
    while ((await iterator.next()).done !== true);
    expect(fetches).toEqual(['start+4', 'e4+4', 'e8+4'])
    expect((await iterator.next()).done).toBe(true)
    expect(fetches).toHaveLength(3)
  })

  it('never asks for more than the limit leaves', async () => {
    const { reader, fetches } = tenEvents({ pageSize: 4, limit: 6 })
    expect(idsOf(await reader.toArray())).toEqual(idsOf(events.slice(0, 6)))
    expect(fetches).toEqual(['start+4', 'e4+2'])
    const none = tenEvents({ limit: 0 })
    expect(await none.reader.toArray()).toEqual([])
    expect(none.fetches).toEqual([])
  })

  it('makes one array of its own of any number of pages', async () => {
    // More than a function takes arguments.
    const count = 200_000
    let fetched = 0
    const reader = makeEventReader(() => ({ events: [events[0]!], more: ++fetched < count }))
    expect(await reader.toArray()).toHaveLength(count)
    const page = events.slice(0, 3)
    const all = await makeEventReader(() => ({ events: page, more: false })).toArray()
    all.pop()
    expect(page).toHaveLength(3)
  })

  it('goes on over pages without events that say there is more', async () => {
    let fetches = 0
    const reader = makeEventReader(() => {
      fetches++
      return { events: fetches === 3 ? events.slice(0, 2) : [], more: fetches < 4 }
    })
    const pages = await Array.fromAsync(reader.pages())
    expect(pages.map(idsOf)).toEqual([['e1', 'e2']])
    expect(fetches).toBe(4)
  })

  it('answers calls that do not wait for each other in their order', async () => {
    const { reader } = tenEvents({ pageSize: 3 })
    const iterator = reader[Symbol.asyncIterator]()
    const answers = await Promise.all(Array.from({ length: 12 }, () => iterator.next()))
    expect(answers.map((answer) => (answer.done === true ? 'end' : answer.value.eventId))).toEqual([
      ...idsOf(events),
      'end',
      'end',
    ])
  })

  it('hands a failure of a page to who asked for it, and is over then', async () => {
    const broken = new Error('the disk is gone')
    const reader = makeEventReader((last) => {
      if (last !== undefined) throw broken
      return { events: events.slice(0, 2), more: true }
    })
    const iterator = reader[Symbol.asyncIterator]()
    const answers = await Promise.allSettled([1, 2, 3, 4].map(() => iterator.next()))
    expect(answers.map((answer) => answer.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(answers[2]).toMatchObject({ reason: broken })
    expect(answers[3]).toMatchObject({ value: { done: true } })
  })

  it('stops in the middle of a page when its signal is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { reader, fetches } = tenEvents({ pageSize: 8, signal: controller.signal })
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of reader) if (seen.push(event.eventId) === 3) controller.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
    expect(seen).toHaveLength(3)
    expect(fetches).toHaveLength(1)
  })

  it('is iterated once, in whichever form, and refuses numbers that are none', async () => {
    const { reader } = tenEvents()
    await reader.toArray()
    expect(() => reader.pages()).toThrow(/iterated once/)
    expect(() => reader[Symbol.asyncIterator]()).toThrow(/iterated once/)
    await expect(reader.toArray()).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
    for (const options of [
      { limit: -1 },
      { limit: 1.5 },
      { pageSize: 0 },
      { pageSize: Infinity },
    ]) {
      expect(() => tenEvents(options)).toThrow(/whole number/)
    }
  })
})
