import { setTimeout as startTimer, clearTimeout as stopTimer } from 'node:timers'

export interface RunOptions {
  /** Called first, before the application closes: stop what takes requests (an HTTP server). */
  readonly beforeClose?: () => Promise<void> | void
  /** Told which signal came, once; for a line on the terminal. */
  readonly onSignal?: (signal: NodeJS.Signals) => void
  /** Milliseconds until a close that hangs is given up; 30,000 by default. */
  readonly timeoutMs?: number
  /** For tests. */
  readonly process?: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Waits for SIGINT or SIGTERM, then closes the application: what is under way is finished. A second
 * signal exits at once, with the signal's exit code; so does a close that takes too long, with 1.
 *
 * @returns the signal that came, once everything is closed
 * @throws whatever `beforeClose` or the application's `close` throws
 */
export async function runUntilSignal(
  app: { close(): Promise<void> },
  options: RunOptions = {},
): Promise<NodeJS.Signals> {
  const host = options.process ?? process
  const signal = await firstSignal(host)
  const exitAtOnce = (again: NodeJS.Signals): void =>
    host.exit(EXIT_CODES[again as keyof typeof EXIT_CODES])
  for (const name of SIGNALS) host.on(name, exitAtOnce)
  const timer = startTimer(() => host.exit(1), options.timeoutMs ?? 30_000)
  try {
    options.onSignal?.(signal)
    await options.beforeClose?.()
    await app.close()
    return signal
  } finally {
    stopTimer(timer)
    for (const name of SIGNALS) host.off(name, exitAtOnce)
  }
}

function firstSignal(host: Pick<NodeJS.Process, 'on' | 'off'>): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      for (const name of SIGNALS) host.off(name, stop)
      resolve(signal)
    }
    for (const name of SIGNALS) host.on(name, stop)
  })
}
