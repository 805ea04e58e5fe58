import type { Clock } from '../../src/internal/clock.ts'

/** A clock that a test moves. (The one of @tidings/testing is above core: core's tests cannot use it.) */
export interface ManualClock extends Clock {
  /** Moves the time on and wakes who is due, the earliest first, each at its own time. */
  advance(ms: number): Promise<void>
  /** Puts the clock elsewhere, as a correction of the system's time does. Sleeps go on as they were. */
  jump(ms: number): void
  readonly sleeping: number
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

export function manualClock(startMs = Date.UTC(2026, 10, 21, 9, 30)): ManualClock {
  let elapsedMs = 0
  let offsetMs = startMs
  const sleepers = new Set<Sleeper>()
  return {
    now: () => offsetMs + elapsedMs,
    jump: (ms) => {
      offsetMs += ms
    },
    get sleeping() {
      return sleepers.size
    },
    sleep(delayMs, { signal } = {}) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
      return new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason as Error)
        }
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        const sleeper: Sleeper = { dueMs: elapsedMs + delayMs, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms
      await settle()
      for (;;) {
        const due = [...sleepers].filter((sleeper) => sleeper.dueMs <= untilMs)
        const next = due.sort((a, b) => a.dueMs - b.dueMs)[0]
        if (next === undefined) break
        elapsedMs = Math.max(elapsedMs, next.dueMs)
        next.wake()
        await settle()
      }
      elapsedMs = untilMs
    },
  }
}

/** Lets everything run that waits for no more than promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
