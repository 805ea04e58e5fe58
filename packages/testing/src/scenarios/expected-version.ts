import assert from 'node:assert/strict'
import type { ExpectedVersion, Store } from 'tidings'
import { conflict, idsOf, scenario, streamIds } from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** Streams with none, one, two and three events: what an expectation can meet. */
const versions = [0, 1, 2, 3]

/** Appends with one expectation to streams in each state, and checks answer and contents. */
async function tryExpectation(
  harness: StoreHarness,
  expected: ExpectedVersion,
  fits: (actual: number) => boolean,
): Promise<void> {
  const store = await harness.open()
  for (const actual of versions) {
    const stream = `Sample.Counter/${String(expected)}-${actual}`
    const before = await fillStream(harness, store, { stream, count: actual })
    const event = sampleEvent(harness.ids, { stream })
    const append = store.append([appendOf(expected, event)])
    if (fits(actual)) {
      const [result] = await append
      assert.equal(result?.version, actual + 1, `the version of '${stream}' after the append`)
      assert.deepEqual(await streamIds(store, stream), [...before, event.envelope.eventId])
    } else {
      await conflict(append, { stream, expected, actual })
      assert.deepEqual(await streamIds(store, stream), before, 'a refused append leaves nothing')
      assert.equal(await store.findEvent(event.envelope.eventId), undefined)
    }
  }
}

async function fillStream(
  { ids }: StoreHarness,
  store: Store,
  { stream, count }: { stream: string; count: number },
): Promise<string[]> {
  if (count === 0) return []
  const events = sampleEvents(ids, stream, count)
  await store.append([appendOf('any', ...events)])
  return idsOf(events)
}

/** Each expected version, on streams in each state. */
export const expectedVersionScenarios: readonly Scenario[] = [
  scenario('B01', "'any' is taken whatever the stream is", (harness) =>
    tryExpectation(harness, 'any', () => true),
  ),
  scenario('B02', "'no-stream' is taken by an empty stream only", (harness) =>
    tryExpectation(harness, 'no-stream', (actual) => actual === 0),
  ),
  scenario('B03', "'stream-exists' is taken by a stream with events only", (harness) =>
    tryExpectation(harness, 'stream-exists', (actual) => actual > 0),
  ),
  scenario(
    'B04',
    'an exact version is taken at that version only, 0 by an empty stream',
    async (harness) => {
      const store = await harness.open()
      const shared = { ...harness, open: async () => store }
      for (const expected of [0, 1, 2, 3, 4]) {
        await tryExpectation(shared, expected, (actual) => actual === expected)
      }
    },
  ),
  scenario('B05', 'of N writers that expect the same version exactly one wins', async (harness) => {
    const store = await harness.open()
    const stream = 'Sample.Counter/contested'
    for (let version = 0; version < 5; version++) {
      const expected = version === 0 ? 'no-stream' : version
      const writers = sampleEvents(harness.ids, stream, 16)
      const answers = await Promise.allSettled(
        writers.map((event) => store.append([appendOf(expected, event)])),
      )
      const winners = writers.filter((_, index) => answers[index]?.status === 'fulfilled')
      assert.equal(winners.length, 1, `one of 16 writers wins version ${version + 1}`)
      for (const answer of answers) {
        if (answer.status === 'fulfilled') continue
        await conflict(Promise.reject(answer.reason as Error), {
          stream,
          expected,
          actual: version + 1,
        })
      }
      const stored = await streamIds(store, stream)
      assert.equal(stored.length, version + 1)
      assert.equal(stored.at(-1), winners[0]?.envelope.eventId, 'the winner is what is stored')
    }
  }),
]
