import assert from 'node:assert/strict'
import type { ParkedEvent, ParkedFilter, ParkedState, ParkReason } from 'tidings'
import { refusal, scenario } from './expectations.ts'
import { minutesLater, parkedIds, sampleParked } from './sample-delivery.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const states: readonly ParkedState[] = ['parked', 'redriving', 'resolved', 'discarded']
const reasons: readonly ParkReason[] = [
  'failed',
  'behind',
  'unreadable',
  'unknown-version',
  'killed',
]

/** Events of which each field takes several values, in no step with the others. */
function variety({ ids, random }: StoreHarness): ParkedEvent[] {
  return Array.from({ length: 120 }, (_, sequence) =>
    sampleParked(ids, {
      sequence,
      subscription: random.pick(['mail', 'push']),
      generation: random.pick([1, 2]),
      key: random.pick(['a', 'b', "it's"]),
      state: random.pick(states),
      reason: random.pick(reasons),
      eventType: random.pick(['Sample.A.Made', 'Sample.A.Made2', 'Sample.*']),
      fingerprint: random.pick(['f1', 'f2', undefined]),
      operationId: random.pick(['o1', 'o2', undefined]),
      parkedAt: minutesLater(sequence % 10),
    }),
  )
}

/** The filter, and what it means. */
function cases(
  events: readonly ParkedEvent[],
): (readonly [ParkedFilter, (event: ParkedEvent) => boolean])[] {
  const some = parkedIds(events.filter((_, index) => index % 7 === 0))
  return [
    [{}, () => true],
    [{ ids: [...some, 'nobody'] }, ({ parkedId }) => some.includes(parkedId)],
    [{ ids: [] }, () => false],
    [{ subscription: 'mail' }, ({ subscription }) => subscription === 'mail'],
    [{ generation: 2 }, ({ generation }) => generation === 2],
    [{ key: "it's" }, ({ key }) => key === "it's"],
    [{ states: ['parked'] }, ({ state }) => state === 'parked'],
    [{ states: ['redriving', 'parked', 'parked'] }, isUnfinished],
    [{ states: ['discarded', 'resolved'] }, (event) => !isUnfinished(event)],
    [{ states: ['resolved'] }, ({ state }) => state === 'resolved'],
    [{ states: ['parked', 'resolved'] }, ({ state }) => state === 'parked' || state === 'resolved'],
    [{ states }, () => true],
    [{ states: [] }, () => false],
    [{ reasons: ['behind', 'killed'] }, ({ reason }) => reason === 'behind' || reason === 'killed'],
    [{ reasons: [] }, () => false],
    [{ eventType: 'Sample.*' }, ({ eventType }) => eventType === 'Sample.*'],
    [{ fingerprint: 'f1' }, ({ fingerprint }) => fingerprint === 'f1'],
    [{ operationId: 'o2' }, ({ operationId }) => operationId === 'o2'],
    [{ since: minutesLater(4) }, ({ parkedAt }) => parkedAt >= minutesLater(4)],
    [{ until: minutesLater(4) }, ({ parkedAt }) => parkedAt < minutesLater(4)],
    [{ since: '2026-11-21T10:08:00+01:00' }, ({ parkedAt }) => parkedAt >= minutesLater(8)],
    [
      {
        subscription: 'push',
        generation: 1,
        states: ['parked', 'redriving'],
        fingerprint: 'f2',
        since: minutesLater(1),
        until: minutesLater(9),
      },
      (event) =>
        event.subscription === 'push' &&
        event.generation === 1 &&
        isUnfinished(event) &&
        event.fingerprint === 'f2' &&
        event.parkedAt >= minutesLater(1) &&
        event.parkedAt < minutesLater(9),
    ],
  ]
}

function isUnfinished({ state }: ParkedEvent): boolean {
  return state === 'parked' || state === 'redriving'
}

async function filterParked(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const events = variety(harness)
  await store.transaction((tx) => tx.park(events))
  for (const [filter, matches] of cases(events)) {
    const what = JSON.stringify(filter)
    const wanted = parkedIds(events.filter(matches)).sort()
    const found = await store.parked.list(filter)
    assert.deepEqual(parkedIds(found).sort(), wanted, what)
    assert.equal(await store.parked.count(filter), wanted.length, `count of ${what}`)
    for (let at = 0; at <= found.length; at += 7) {
      const after = found[at - 1]
      const page = await store.parked.list(filter, { limit: 7, after })
      assert.deepEqual(page, found.slice(at, at + 7), `${what} behind ${at}`)
    }
  }
}

async function refuseNoTime({ open }: StoreHarness): Promise<void> {
  const { parked } = await open()
  const bad = { since: 'yesterday' }
  await refusal(parked.list(bad), 'TIDINGS_ARGUMENT_INVALID', 'a time that is none')
  await refusal(parked.count({ until: '2026-02-31' }), 'TIDINGS_ARGUMENT_INVALID', 'no such day')
  await refusal(parked.sweep('now'), 'TIDINGS_ARGUMENT_INVALID', 'a time that is none')
  for (const limit of [-1, 1.5, Number.NaN]) {
    await refusal(parked.list({}, { limit }), 'TIDINGS_ARGUMENT_INVALID', `the limit ${limit}`)
  }
}

/** Which parked events are meant. */
export const parkedFilterScenarios: readonly Scenario[] = [
  scenario('F10', 'a filter means what all of its conditions say together', filterParked),
  scenario('F11', 'a filter that means nothing is refused', refuseNoTime),
]
