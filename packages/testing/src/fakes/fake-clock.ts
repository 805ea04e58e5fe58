import type { Clock } from 'tidings'

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves the time on and wakes every sleeper that is due, the earliest first, each at its own time
   * and before the next: what one does on waking, the next one sees.
   *
   * @throws {RangeError} for a step backwards; that is what `set` is for
   */
  advance(ms: number): Promise<void>
  /** Puts the clock to a time, also an earlier one, as a system clock may do. Wakes nobody. */
  set(timeMs: number): void
  /** How many sleep now. */
  readonly sleeping: number
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

/** @param startMs the time at the start, milliseconds since the epoch */
export function fakeClock(startMs: number): FakeClock {
  let nowMs = startMs
  const sleepers = new Set<Sleeper>()

  const nextDue = (untilMs: number): Sleeper | undefined => {
    let next: Sleeper | undefined
    for (const sleeper of sleepers) {
      if (sleeper.dueMs <= untilMs && (next === undefined || sleeper.dueMs < next.dueMs)) {
        next = sleeper
      }
    }
    return next
  }

  return {
    now: () => nowMs,
    get sleeping() {
      return sleepers.size
    },
    set(timeMs) {
      nowMs = timeMs
    },
    sleep(delayMs, { signal } = {}) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
      return new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
        }
        const onAbort = (): void => {
          leave()
          reject(signal?.reason as Error)
        }
        const wake = (): void => {
          leave()
          resolve()
        }
        // Whole milliseconds, never early, as those of a system: a clock with fractions fits no column.
        const sleeper: Sleeper = { dueMs: Math.ceil(nowMs + delayMs), wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`advance() moves time forwards; got ${ms}`)
      const untilMs = nowMs + ms
      // Whoever was just started, and is about to sleep, sleeps before the time moves.
      await settle()
      for (let due = nextDue(untilMs); due !== undefined; due = nextDue(untilMs)) {
        nowMs = Math.max(nowMs, due.dueMs)
        due.wake()
        await settle()
      }
      nowMs = untilMs
    },
  }
}

/** Lets everything run that waits for no more than promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The process's own clock, with a difference that a test can change. */
export interface ShiftedClock extends Clock {
  /** Steps the clock, backwards too, as a correction of the system's time does. */
  shift(ms: number): void
  /** From now on it stands still, but for `shift`. Sleeping goes on as before. */
  stop(): void
}

/** @param clock what is shifted; sleeping is its own */
export function shiftedClock(clock: Clock): ShiftedClock {
  let offsetMs = 0
  let stoppedMs: number | undefined
  return {
    now: () => (stoppedMs ?? clock.now()) + offsetMs,
    sleep: (delayMs, options) => clock.sleep(delayMs, options),
    shift(ms) {
      offsetMs += ms
    },
    stop() {
      stoppedMs ??= clock.now()
    },
  }
}
