import { setTimeout as startTimer, clearTimeout as stopTimer } from 'node:timers'

export interface RunOptions {
  /** Called first, before the application closes: stop what takes requests (an HTTP server). */
  readonly beforeClose?: () => Promise<void> | void
  /** Told which signal came, once; for a line on the terminal. */
  readonly onSignal?: (signal: NodeJS.Signals) => void
  /** Milliseconds until a close that hangs is given up; 30,000 by default. */
  readonly timeoutMs?: number
  /** Milliseconds within which a further signal is an echo of the first one; 300 by default. */
  readonly echoMs?: number
  /** For tests. */
  readonly process?: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Waits for SIGINT or SIGTERM, then closes the application: what is under way is finished. A second
 * signal exits at once, with the signal's exit code; so does a close that takes too long, with 1.
 *
 * Under `npm start` one Ctrl-C is two signals: the terminal sends it to npm and to this process, and
 * npm hands its own on. So a signal that follows the first at once (`echoMs`) is no second one.
 *
 * @returns the signal that came, once everything is closed
 * @throws whatever `beforeClose` or the application's `close` throws
 */
export async function runUntilSignal(
  app: { close(): Promise<void> },
  options: RunOptions = {},
): Promise<NodeJS.Signals> {
  const host = options.process ?? process
  const signals = catchSignals(host, options.echoMs ?? 300)
  const signal = await signals.first
  const timer = startTimer(() => host.exit(1), options.timeoutMs ?? 30_000)
  try {
    options.onSignal?.(signal)
    await options.beforeClose?.()
    await app.close()
    return signal
  } finally {
    stopTimer(timer)
    signals.release()
  }
}

function catchSignals(
  host: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>,
  echoMs: number,
): { readonly first: Promise<NodeJS.Signals>; release(): void } {
  const { promise: first, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let firstAt: number | undefined
  // The same listener throughout: with none, even for a moment, a signal would end the process.
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      resolve(signal)
    } else if (performance.now() - firstAt >= echoMs) {
      host.exit(EXIT_CODES[signal as keyof typeof EXIT_CODES])
    }
  }
  for (const name of SIGNALS) host.on(name, onSignal)
  return {
    first,
    release() {
      for (const name of SIGNALS) host.off(name, onSignal)
    },
  }
}
