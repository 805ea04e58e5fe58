import assert from 'node:assert/strict'
import type { StoredEnvelope } from 'tidings'
import { ALL, allDue, appendEnd, JOB, JOB_TYPE, removeDue, sampleWork } from './deleting.ts'
import { assertSound, idsOf, scenario } from './expectations.ts'
import { appendOf, sampleEvent } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function readersGoOn(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  for (let n = 0; n < 20; n++) {
    await store.append([
      appendOf('any', ...sampleWork(harness, `Sample.Job/${n}`, 2)),
      appendOf('any', sampleEvent(harness.ids)),
    ])
  }
  const seen: StoredEnvelope[] = []
  const reader = store.readAll({ pageSize: 7 })
  for await (const page of reader.pages()) {
    seen.push(...page)
    if (seen.length === 7) await removeDue(store)
  }
  const kept = await store.readAll().toArray()
  const read = new Set(idsOf(seen))
  assert.ok(
    kept.every(({ eventId }) => read.has(eventId)),
    'what is kept is read',
  )
  assert.equal(kept.length, 20)
  assert.deepEqual(idsOf(await store.readAll({ reverse: true }).toArray()), idsOf(kept).reverse())
  const types = { types: ['Sample.Job.*'] }
  assert.deepEqual(await store.query(types).toArray(), [], 'from the indexes too')
  const counted = await store.query({ types: ['Sample.Counter.*'] }).toArray()
  assert.deepEqual(idsOf(counted), idsOf(kept))
  const work = (await store.catalog.types()).filter(({ eventType }) => eventType === JOB_TYPE)
  assert.deepEqual(work, [])
}

async function together(harness: StoreHarness): Promise<void> {
  const [one, two] = [await harness.open(), await harness.open()]
  for (let round = 0; round < 5; round++) {
    await one.append([appendOf('any', ...sampleWork(harness, JOB, 4))])
    await appendEnd(one, harness)
    const due = await allDue(one)
    const counts = await Promise.all([
      one.retention.remove(ALL, due),
      two.retention.remove(ALL, due),
      two.append([appendOf('any', ...sampleWork(harness, JOB, 1))]).then(() => 0),
      one.append([appendOf('any', ...sampleWork(harness, JOB, 1))]).then(() => 0),
    ])
    assert.ok((counts[0] ?? 0) + (counts[1] ?? 0) >= due.length - 1, 'each is deleted')
    assert.ok((counts[0] ?? 0) + (counts[1] ?? 0) <= due.length, 'once')
  }
  const [last] = await one.readStream(JOB, { reverse: true, limit: 1 }).toArray()
  assert.equal(last?.streamVersion, 30, 'no version was given twice')
}

async function survives(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  await store.append([appendOf('any', ...sampleWork(harness, JOB, 3))])
  await appendEnd(store, harness)
  await removeDue(store)
  const copy = await harness.restore!()
  const [result] = await copy.append([appendOf(3, ...sampleWork(harness, JOB, 1))])
  assert.equal(result?.version, 4)
  await assertSound(copy)
}

/** What others see and do while events are deleted. */
export const deletingBesideScenarios: readonly Scenario[] = [
  scenario('B90', 'readers and indexes know nothing of what is gone', readersGoOn),
  scenario('B91', 'two that delete and two that append, at once', together, { needs: ['shared'] }),
  scenario('B92', 'a copy goes on at the same versions', survives, { needs: ['restore'] }),
]
