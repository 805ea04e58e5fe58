import type { JsonObject } from '../contract/json.ts'

/** waiting → fired (its command was sent) or cancelled. */
export type TimerState = 'waiting' | 'fired' | 'cancelled'

/** A command that is sent at a time. */
export interface TimerRecord {
  /** UUID. The same id twice is one timer. */
  readonly timerId: string
  /** Milliseconds since the epoch. It fires then or later, never before. */
  readonly dueAt: number
  /** The command's type and input. */
  readonly commandType: string
  readonly input: JsonObject
  readonly correlationId: string
  readonly causationId: string | undefined
  /** What the command inherits: tenant, actor, trace. */
  readonly metadata: JsonObject | undefined
  readonly setAt: string
  readonly state: TimerState
  readonly firedAt: string | undefined
  /** How much later than `dueAt` it was sent. */
  readonly lateMs: number | undefined
  /** What the command's handler threw; undefined: nothing. */
  readonly failure: string | undefined
}

/** What became of a timer that fired. */
export interface Fired {
  readonly firedAt: string
  readonly lateMs: number
  readonly failure: string | undefined
}

export interface TimerStore {
  find(timerId: string): Promise<TimerRecord | undefined>
  /** Those that wait and are due at a time, the earliest first. */
  due(atMs: number, limit: number): Promise<readonly TimerRecord[]>
  /** When the next one is due, milliseconds since the epoch; undefined: none waits. */
  next(): Promise<number | undefined>
  /** In order of `dueAt`, then id. */
  list(page?: {
    readonly states?: readonly TimerState[] | undefined
    readonly after?: TimerRecord | undefined
    readonly limit?: number | undefined
  }): Promise<readonly TimerRecord[]>
  /**
   * Forgets what fired or was cancelled and was due before a time.
   *
   * @param limit at the most so many; all by default
   * @returns how many
   */
  sweep(dueBeforeMs: number, limit?: number): Promise<number>
}
