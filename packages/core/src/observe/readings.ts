import { withinLimit, type TimeLimit } from './within-limit.ts'

export interface ReadingPorts extends Pick<TimeLimit, 'clock' | 'limitMs' | 'signal'> {
  /** Told of a reading that fails or takes too long, once until it succeeds again. */
  readonly onError: (error: unknown) => void
}

/** One that hangs is begun anew after so many limits: a connection that nobody closed must not blind a rule for good. */
const PATIENCE = 10

interface Pending {
  readonly reading: Promise<unknown>
  /** How often it was waited for in vain. */
  late: number
}

/** What is read of elsewhere again and again, by name. One reading that fails or hangs touches no other. */
export class Readings {
  readonly #ports: ReadingPorts
  readonly #failing = new Set<string>()
  /** Those that are not over: one that hangs is not begun anew each time. */
  readonly #pending = new Map<string, Pending>()

  constructor(ports: ReadingPorts) {
    this.#ports = ports
  }

  /** @returns undefined where it is not known now, or no longer asked */
  async read<Value>(name: string, read: () => Value | Promise<Value>): Promise<Value | undefined> {
    const { signal, onError } = this.#ports
    let value: Value | undefined
    try {
      const what = `The reading of '${name}'`
      value = await withinLimit(() => this.#join(name, read), { ...this.#ports, what })
      this.#failing.delete(name)
    } catch (error) {
      // Said once: every five seconds would bury everything else.
      const isNew = !this.#failing.has(name) && !signal.aborted
      this.#failing.add(name)
      if (isNew) onError(error)
    }
    return signal.aborted ? undefined : value
  }

  #join<Value>(name: string, read: () => Value | Promise<Value>): Promise<Value> {
    const known = this.#pending.get(name)
    if (known !== undefined && ++known.late < PATIENCE) return known.reading as Promise<Value>
    const reading = (async () => read())()
    const pending: Pending = { reading, late: 0 }
    this.#pending.set(name, pending)
    const over = (): void => {
      if (this.#pending.get(name) === pending) this.#pending.delete(name)
    }
    reading.then(over, over)
    return reading
  }
}
