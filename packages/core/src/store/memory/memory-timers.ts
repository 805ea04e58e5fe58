import { requireLimit } from '../check-arguments.ts'
import { requireWhole } from '../event-reader.ts'
import type { TimerRecord, TimerStore } from '../timer-store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'
import { jsonCopy } from './json-copy.ts'

export type TimerTable = Map<string, TimerRecord>

/** What the table keeps of a timer: nothing that the caller could change later. */
export function copyTimer(timer: TimerRecord): TimerRecord {
  const { input, metadata } = timer
  return Object.freeze({
    ...timer,
    input: jsonCopy(input),
    metadata: metadata && jsonCopy(metadata),
  })
}

export function memoryTimers(table: TimerTable, access: Access): TimerStore {
  const waiting = (): TimerRecord[] =>
    [...table.values()].filter(({ state }) => state === 'waiting').sort(byDueTime)
  return {
    async find(timerId) {
      access.read()
      return table.get(timerId)
    },
    async due(atMs, limit) {
      access.read()
      requireWhole('limit', limit, 0)
      return waiting()
        .filter(({ dueAt }) => dueAt <= atMs)
        .slice(0, limit)
    },
    async next() {
      access.read()
      return waiting()[0]?.dueAt
    },
    async list({ states, after, limit } = {}) {
      access.read()
      requireLimit(limit)
      const matches = [...table.values()].filter(
        (timer) =>
          (states === undefined || states.includes(timer.state)) &&
          (after === undefined || byDueTime(timer, after) > 0),
      )
      return matches.sort(byDueTime).slice(0, limit)
    },
    sweep: (dueBeforeMs, limit) =>
      access.write(() => {
        requireLimit(limit)
        const old = [...table.values()]
          .filter(({ state, dueAt }) => state !== 'waiting' && dueAt < dueBeforeMs)
          .slice(0, limit)
        for (const { timerId } of old) table.delete(timerId)
        return old.length
      }),
  }
}

function byDueTime(a: TimerRecord, b: TimerRecord): number {
  return a.dueAt - b.dueAt || compareText(a.timerId, b.timerId)
}
