import { CloseTimeoutError, type StillRunning } from '../errors/queue-errors.ts'
import type { UsageError } from '../errors/usage-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { untilAborted } from '../internal/until-aborted.ts'
import type { Observations } from '../observe/observations.ts'
import { optionalSignal, requireMs, requireOptions } from './options.ts'
import { allWaitForEvents, type RunningDeliveries } from './running-deliveries.ts'
import type { Waits } from './waits.ts'

export interface CloseOptions {
  /** Ends the waiting for the close, with the signal's reason. The closing itself goes on. */
  readonly signal?: AbortSignal
  /**
   * Milliseconds; without one it waits for as long as handlers take. When they are over, the signals of
   * all handlers are aborted, waits end, and the call rejects with a {@link CloseTimeoutError} that
   * names what still runs. The closing goes on: it is done when that ends.
   */
  readonly timeoutMs?: number
}

export interface CloseWaitPorts {
  readonly clock: Clock
  readonly stillRunning: () => StillRunning
  /** Aborts what still runs. */
  readonly giveUp: (error: CloseTimeoutError) => void
  /** Owns a closing that fails when nobody waits for it any more. */
  readonly onBackground: (error: unknown) => void
}

/** @throws {UsageError} */
export function checkCloseOptions(options: CloseOptions): void {
  requireOptions('close()', options)
  optionalSignal("close()'s signal", options.signal)
  if (options.timeoutMs !== undefined) requireMs("close()'s timeoutMs", options.timeoutMs, 0)
}

/** Waits for a closing that is under way, for as long as its caller means to. */
export async function waitForClose(
  closed: Promise<void>,
  { signal, timeoutMs }: CloseOptions,
  ports: CloseWaitPorts,
): Promise<void> {
  const waiting = untilAborted(closed, signal, ports.onBackground)
  if (timeoutMs === undefined) return waiting
  const done = new AbortController()
  const late = ports.clock.sleep(timeoutMs, { signal: done.signal }).then(
    () => {
      const error = new CloseTimeoutError(timeoutMs, ports.stillRunning())
      ports.giveUp(error)
      throw error
    },
    // It was closed before, or its caller left.
    () => waiting,
  )
  try {
    await Promise.race([waiting, late])
  } finally {
    done.abort()
  }
}

/** Silence after which a handler's wait is given up: what still comes of outside has come by then. */
export const QUIET_MS = 5000

export interface StuckWaitPorts {
  readonly clock: Clock
  readonly deliveries: RunningDeliveries
  readonly waits: Waits
  readonly published: Observations['published']
  /** Whether something beside the handlers is under way that may still publish. */
  readonly isBusyElsewhere: () => boolean
  readonly closed: () => UsageError
}

/**
 * While a bus drains: ends what handlers wait for once nothing that the bus knows of can bring it, and
 * nothing has happened for {@link QUIET_MS}. Without it a handler in `waitFor` would hold the close up
 * for good.
 */
export async function endStuckWaits(ports: StuckWaitPorts, stop: AbortSignal): Promise<void> {
  const { clock, deliveries, waits, published, isBusyElsewhere, closed } = ports
  let events = 0
  using _watching = published.observe(() => void events++)
  while (!stop.aborted) {
    const eventsBefore = events
    const runningBefore = deliveries.all()
    const isOver = await clock.sleep(QUIET_MS, { signal: stop }).then(
      () => false,
      // Only the stop ends it before its time.
      () => true,
    )
    if (isOver) return
    const running = deliveries.all()
    const isQuiet =
      events === eventsBefore &&
      running.length === runningBefore.length &&
      running.every((one, index) => one === runningBefore[index])
    if (!isQuiet || isBusyElsewhere()) continue
    if (!allWaitForEvents(running, (dispatch) => waits.heldIn(dispatch))) continue
    for (const { dispatch } of running) waits.endIn(dispatch, closed())
  }
}
