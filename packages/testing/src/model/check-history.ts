import assert from 'node:assert/strict'
import type { AppendResult, Store, StreamAppend } from 'tidings'
import { assertSound, idsOf } from '../scenarios/expectations.ts'
import { sampleEvent } from '../scenarios/sample-event.ts'
import type { StoreHarness } from '../scenarios/scenario.ts'
import { LogModel, type ModelAnswer, type ModelAppend } from './log-model.ts'

/** One step of a history: an append, by itself or in a transaction that may be rolled back. */
export interface HistoryStep {
  readonly appends: readonly ModelAppend[]
  readonly by: 'append' | 'transaction' | 'rollback'
}

/** Thrown by a step that rolls back. */
class Abandoned extends Error {}

/**
 * Plays a history to a store and to the model, and compares every answer, and then the contents.
 *
 * @param ids one UUID for each id that the history names
 * @throws {AssertionError} at the first step where they differ, with the step
 */
export async function checkHistory(
  store: Store,
  history: readonly HistoryStep[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const model = new LogModel()
  for (const [index, step] of history.entries()) {
    const appends = step.appends.map((append) => toAppend(append, ids))
    const what = `step ${index + 1}: ${JSON.stringify(step)}`
    if (step.by === 'rollback') await playRollback(store, appends)
    else assert.deepEqual(await play(store, step.by, appends), model.append(step.appends), what)
  }
  const uuid = (id: string): string => ids.get(id) ?? ''
  const log = await store.readAll({ pageSize: 7 }).toArray()
  assert.deepEqual(idsOf(log), model.order.map(uuid), 'the log')
  for (const [stream, stored] of model.streams) {
    assert.deepEqual(idsOf(await store.readStream(stream).toArray()), stored.map(uuid), stream)
  }
  await assertSound(store)
}

function toAppend(
  { stream, expectedVersion, ids: names }: ModelAppend,
  ids: ReadonlyMap<string, string>,
): StreamAppend {
  const source = { newId: () => '' }
  const events = names.map((name) =>
    sampleEvent(source, { stream, eventId: ids.get(name) ?? '', payload: { name } }),
  )
  return { stream, expectedVersion, events }
}

async function play(
  store: Store,
  by: 'append' | 'transaction',
  appends: readonly StreamAppend[],
): Promise<ModelAnswer> {
  let results: readonly AppendResult[]
  try {
    results =
      by === 'append'
        ? await store.append(appends)
        : await store.transaction((tx) => tx.append(appends))
  } catch (error) {
    return {
      kind: 'refused',
      code: (error as { code: Extract<ModelAnswer, { code: unknown }>['code'] }).code,
    }
  }
  const kind = results.every((result) => result.repeated) ? 'repeated' : 'stored'
  return { kind, versions: results.map((result) => result.version) }
}

async function playRollback(store: Store, appends: readonly StreamAppend[]): Promise<void> {
  const rolledBack = store.transaction(async (tx) => {
    await tx.append(appends)
    throw new Abandoned('rolled back')
  })
  await assert.rejects(rolledBack)
}

const streams = ['Sample.Counter/1', 'Sample.Counter/2', 'Sample.Counter/3']

/** A history by chance: few streams and few ids, so that they meet often. */
export function randomHistory(
  { random }: Pick<StoreHarness, 'random'>,
  steps: number,
): HistoryStep[] {
  let fresh = 0
  const recent: string[] = []
  const drawId = (): string => {
    if (recent.length > 0 && random.below(8) === 0) return random.pick(recent)
    const id = `e${fresh++}`
    recent.push(id)
    if (recent.length > 20) recent.shift()
    return id
  }
  const history: HistoryStep[] = []
  while (history.length < steps) {
    const before = history.at(-1 - random.below(4))
    if (before !== undefined && random.below(5) === 0) {
      const expectedVersion = random.pick(['any', 'no-stream', 0, 3] as const)
      history.push({
        by: 'append',
        appends: before.appends.map((append) => ({ ...append, expectedVersion })),
      })
      continue
    }
    const homes = random
      .shuffle(streams)
      .slice(0, 1 + Math.floor(random.next() * random.next() * 3))
    history.push({
      by: random.pick(['append', 'append', 'transaction', 'rollback'] as const),
      appends: homes.map((stream) => ({
        stream,
        expectedVersion: random.pick([
          'any',
          'any',
          'no-stream',
          'stream-exists',
          random.below(8),
        ] as const),
        ids: Array.from({ length: 1 + random.below(3) }, drawId),
      })),
    })
  }
  return history
}

/** A UUID for each id that a history names. */
export function idsOfHistory(
  { ids }: Pick<StoreHarness, 'ids'>,
  history: readonly HistoryStep[],
): ReadonlyMap<string, string> {
  const names = history.flatMap((step) => step.appends.flatMap((append) => append.ids))
  return new Map(names.map((name) => [name, ids.newId(1)]))
}
