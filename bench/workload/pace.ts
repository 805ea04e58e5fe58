import { setTimeout as pause } from 'node:timers/promises'
import { quantile } from '../harness/statistics.ts'

/** Says how long it takes from one moment of an event to another; events are numbered. */
export class Stopwatch {
  readonly #begun = new Map<number, number>()
  readonly #ended = new Map<number, number>()

  begin(n: number): void {
    this.#begun.set(n, performance.now())
  }

  end(n: number): void {
    this.#ended.set(n, performance.now())
  }

  /**
   * Waits for the end of all of them, or for so long that those that are missing never come.
   *
   * @returns quantiles in microseconds, and how many never came
   */
  async figures(count: number, limitMs: number): Promise<Readonly<Record<string, number>>> {
    const startMs = performance.now()
    while (this.#ended.size < count && performance.now() - startMs < limitMs) await pause(1)
    const ms = Array.from(this.#ended, ([n, at]) => at - this.#begun.get(n)!)
    const sorted = ms.toSorted((a, b) => a - b)
    const missing = count - this.#ended.size
    this.#begun.clear()
    this.#ended.clear()
    return {
      'p50 µs': quantile(sorted, 0.5) * 1000,
      'p99 µs': quantile(sorted, 0.99) * 1000,
      missing,
    }
  }
}

/** Calls `work` every `everyMs`, whether the one before has ended or not. */
export async function atPace(
  count: number,
  everyMs: number,
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  const startMs = performance.now()
  const all: Promise<unknown>[] = []
  for (let n = 0; n < count; n++) {
    const waitMs = startMs + n * everyMs - performance.now()
    if (waitMs > 0) await pause(waitMs)
    all.push(work(n))
  }
  await Promise.all(all)
}
