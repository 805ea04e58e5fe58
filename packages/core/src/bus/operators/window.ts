import { LinkedAbort } from '../../internal/linked-abort.ts'
import type { Envelope } from '../../contract/envelope.ts'
import { LateEventError } from '../../errors/queue-errors.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { contextForMany, operator, runForMany, Tally, type Work } from './compose.ts'
import { MonotoneTime } from './monotone-time.ts'
import { withDefaults } from '../../internal/with-defaults.ts'
import {
  invalid,
  requireFunction,
  requireKey,
  requireMs,
  requireOneOf,
  requireOptions,
  requireWhole,
} from '../options.ts'
import { SlidingWindows } from './sliding-windows.ts'
import { TumblingWindows } from './tumbling-windows.ts'
import type { WindowOf } from './window-of.ts'

export interface WindowOptions<E extends Envelope = Envelope> {
  /** Milliseconds that a window is long; 60,000 by default. */
  readonly ms?: number
  /** Events that make a window fire, and that it holds at the most; 10 by default. */
  readonly count?: number
  /** `sliding` by default. */
  readonly kind?: 'sliding' | 'tumbling'
  /** Each key has windows of its own; one for all by default. */
  readonly key?: (event: E) => string
  /** The time that counts: when it came (`arrival`, the default) or when it happened (`event`). */
  readonly by?: 'arrival' | 'event'
  /** How much later than the newest event one may come; 0 by default. For tumbling windows by event time. */
  readonly latenessMs?: number
  /** What becomes of an event whose window is over: it fails (`fail`, the default), is done with, or goes to this handler. */
  readonly late?: 'fail' | 'drop' | Handler<E>
  /** Windows held at the same time at the most; beyond it the oldest goes. 10,000 by default. */
  readonly maxKeys?: number
}

/**
 * Tells when many events come within a time.
 *
 * - **Sliding**: fires with the newest `count` events whenever an event makes them lie within `ms`. An
 *   event exactly `ms` older than the newest is out. After it has fired it goes on: the next event
 *   fires again, with itself and the `count - 1` before it.
 * - **Tumbling**: time is cut into stretches of `ms`, from the epoch on. A window fires when it has
 *   `count` events, and begins anew; and at its end, or on close, with what is left, if anything. So
 *   each event is in one firing exactly.
 * - By event time a tumbling window ends when an event comes that is `latenessMs` beyond its end, or
 *   when nothing has come for `ms + latenessMs`.
 * - By arrival, a clock that jumps back stands still until it has caught up.
 * - Memory is bounded by `count × maxKeys` events. A sliding key that has to go is forgotten, a
 *   tumbling one fires (`full`).
 * - The promise of the event that fills a window settles with `onWindow`; the others' at once. What
 *   `onWindow` throws for a window that ends by time goes to `ctx.reportFailure`. To try again, wrap
 *   `onWindow`: around the whole, an event would be counted twice.
 * - `onWindow` runs in no event's context: what it publishes has the cause that it says.
 *
 * @throws {UsageError} an option that it cannot take
 * @throws {LateEventError} from the handler: its window is over, under `late: 'fail'`
 */
export function window<E extends Envelope>(
  options: WindowOptions<E>,
  onWindow: Work<WindowOf<E>>,
): Handler<E> {
  const checked = check(options)
  requireFunction("window's onWindow", onWindow)
  const fire = new Firing<E>(onWindow)
  const windows =
    checked.kind === 'sliding' ? new Sliding<E>(checked, fire) : new Tumbling<E>(checked, fire)
  return operator<E>(typeof checked.late === 'function' ? [onWindow, checked.late] : onWindow, {
    run: (event, ctx) => windows.add(event, ctx),
    finish: (ctx) => windows.close(ctx),
  })
}

type Checked<E extends Envelope> = Required<WindowOptions<E>>

function check<E extends Envelope>(options: WindowOptions<E>): Checked<E> {
  requireOptions('window', options)
  const defaults: Checked<E> = {
    ms: 60_000,
    count: 10,
    kind: 'sliding',
    key: () => '',
    by: 'arrival',
    latenessMs: 0,
    late: 'fail',
    maxKeys: 10_000,
  }
  const all = withDefaults(defaults, options)
  requireFunction("window's key", all.key)
  requireMs("window's ms", all.ms)
  requireWhole("window's count", all.count)
  requireOneOf("window's kind", all.kind, ['sliding', 'tumbling'])
  requireOneOf("window's by", all.by, ['arrival', 'event'])
  requireMs("window's latenessMs", all.latenessMs, 0)
  requireMs("window's ms and latenessMs together", all.ms + all.latenessMs)
  requireWhole("window's maxKeys", all.maxKeys)
  if (typeof all.late !== 'function') requireOneOf("window's late", all.late, ['fail', 'drop'])
  if (all.latenessMs > 0 && (all.kind === 'sliding' || all.by === 'arrival')) {
    throw invalid("window's latenessMs", 'for tumbling windows by event time', all.latenessMs)
  }
  return all
}

/** Calls `onWindow`, and knows which calls are under way. */
class Firing<E extends Envelope> {
  readonly #onWindow: Work<WindowOf<E>>
  readonly #tally = new Tally()

  constructor(onWindow: Work<WindowOf<E>>) {
    this.#onWindow = onWindow
  }

  /** For the event that filled it, whose outcome this is. */
  now(window: WindowOf<E>, ctx: HandlerContext): unknown {
    return runForMany(() => this.#onWindow(window, contextForMany(ctx)))
  }

  /** For windows that end by time: no event's outcome could tell. */
  aside(windows: readonly WindowOf<E>[], ctx: HandlerContext): void {
    for (const window of windows) void this.#aside(window, ctx)
  }

  async #aside(window: WindowOf<E>, ctx: HandlerContext): Promise<void> {
    this.#tally.begin()
    try {
      await this.now(window, ctx)
    } catch (error) {
      ctx.reportFailure(error, window.events)
    } finally {
      this.#tally.end()
    }
  }

  idle(): Promise<void> {
    return this.#tally.idle()
  }
}

function timeOf(event: Envelope): number {
  const timeMs = Date.parse(event.timestamp)
  if (!Number.isNaN(timeMs)) return timeMs
  throw invalid(
    `The timestamp of ${event.eventType} ${event.eventId}`,
    'an ISO 8601 time',
    event.timestamp,
  )
}

function takeLate<E extends Envelope>(
  { late }: Checked<E>,
  event: E,
  ctx: HandlerContext,
): unknown {
  if (typeof late === 'function') return late(event, ctx)
  if (late === 'drop') return undefined
  throw new LateEventError(event.eventType, event.timestamp)
}

class Sliding<E extends Envelope> {
  readonly #options: Checked<E>
  readonly #fire: Firing<E>
  readonly #windows: SlidingWindows<E>
  readonly #time = new MonotoneTime()

  constructor(options: Checked<E>, fire: Firing<E>) {
    this.#options = options
    this.#fire = fire
    this.#windows = new SlidingWindows(options)
  }

  add(event: E, ctx: HandlerContext): unknown {
    const { by, key: keyOf } = this.#options
    const timeMs = by === 'event' ? timeOf(event) : this.#time.read(ctx.clock)
    const key = requireKey('window', keyOf(event))
    if (this.#windows.isLate(key, timeMs)) return takeLate(this.#options, event, ctx)
    const filled = this.#windows.add(event, key, timeMs)
    return filled === undefined ? undefined : this.#fire.now(filled, ctx)
  }

  close(): Promise<void> {
    return this.#fire.idle()
  }
}

const OVER = 'over'

/** One timer, while a window is open: for the end of the earliest, or for a source that falls silent. */
class Tumbling<E extends Envelope> {
  readonly #options: Checked<E>
  readonly #fire: Firing<E>
  readonly #windows: TumblingWindows<E>
  readonly #time = new MonotoneTime()
  #timer: LinkedAbort | undefined
  #lastArrivalMs = 0

  constructor(options: Checked<E>, fire: Firing<E>) {
    this.#options = options
    this.#fire = fire
    this.#windows = new TumblingWindows(options)
  }

  add(event: E, ctx: HandlerContext): unknown {
    const { by, key, latenessMs } = this.#options
    this.#lastArrivalMs = this.#time.read(ctx.clock)
    const timeMs = by === 'event' ? timeOf(event) : this.#lastArrivalMs
    if (this.#windows.isLate(timeMs)) return takeLate(this.#options, event, ctx)
    this.#fire.aside(this.#windows.pass(timeMs - latenessMs), ctx)
    const { filled, evicted } = this.#windows.add(event, requireKey('window', key(event)), timeMs)
    this.#fire.aside(evicted, ctx)
    this.#setTimer(ctx)
    return filled === undefined ? undefined : this.#fire.now(filled, ctx)
  }

  close(ctx: HandlerContext): Promise<void> {
    this.#timer?.abort(OVER)
    this.#timer = undefined
    this.#fire.aside(this.#windows.empty(), ctx)
    return this.#fire.idle()
  }

  #setTimer(ctx: HandlerContext): void {
    const endMs = this.#windows.nextEndMs
    if (this.#timer !== undefined || endMs === undefined) return
    const timer = (this.#timer = new LinkedAbort(ctx.listenerSignal))
    const { by, ms, latenessMs } = this.#options
    const dueMs = by === 'arrival' ? endMs : this.#lastArrivalMs + ms + latenessMs
    const delayMs = Math.max(0, dueMs - this.#time.read(ctx.clock))
    ctx.clock.sleep(delayMs, { signal: timer.signal }).then(
      () => this.#onTimer(timer, dueMs, ctx),
      // Aborted: whoever closes takes what is held, or nobody waits for it any more.
      () => this.#forget(timer),
    )
  }

  #onTimer(timer: LinkedAbort, dueMs: number, ctx: HandlerContext): void {
    if (!this.#forget(timer)) return
    this.#time.reach(dueMs)
    const { by, ms, latenessMs } = this.#options
    if (by === 'arrival') this.#fire.aside(this.#windows.pass(dueMs), ctx)
    else if (this.#lastArrivalMs + ms + latenessMs <= dueMs) {
      for (let end = this.#windows.nextEndMs; end !== undefined; end = this.#windows.nextEndMs) {
        this.#fire.aside(this.#windows.pass(end), ctx)
      }
    }
    this.#setTimer(ctx)
  }

  #forget(timer: LinkedAbort): boolean {
    timer.release()
    if (this.#timer !== timer) return false
    this.#timer = undefined
    return true
  }
}
