import { exitCodes, type ExitCode } from './failure.ts'

export interface End {
  /** Aborted when the verb shall come to its end. */
  readonly signal: AbortSignal
  /** What to answer to the shell after that. */
  exitCode(): ExitCode
  /** The code of a verb that ended by itself: failed where its results could not be written. */
  outputCode(code: ExitCode): Promise<ExitCode>
  stopWatching(): void
}

/**
 * Watches for what ends a verb early: Ctrl-C, SIGTERM, and a reader of stdout that has gone (`| head`),
 * which is no error at all. A second Ctrl-C does not wait.
 */
export function watchEnd(): End {
  const controller = new AbortController()
  let code: ExitCode = exitCodes.done

  const stop = (answer: ExitCode) => (): void => {
    if (controller.signal.aborted && answer !== exitCodes.done) process.exit(answer)
    code = answer
    controller.abort()
  }
  const onInterrupt = stop(exitCodes.interrupted)
  const onTerminate = stop(exitCodes.terminated)
  const onReaderGone = stop(exitCodes.done)
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') return onReaderGone()
    process.stderr.write(`${error.message}\n`)
    code = exitCodes.failed
    controller.abort()
  }

  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  process.stdout.on('error', onOutputError)
  // Nobody is left to tell: what is said to a closed stderr is lost, and must not crash the verb.
  process.stderr.on('error', ignoreClosedStderr)
  return {
    signal: controller.signal,
    exitCode: () => code,
    async outputCode(own) {
      // Node tells of a failed write in its next turn, and a file takes everything in one write.
      await new Promise((resolve) => setImmediate(resolve))
      return code === exitCodes.failed ? code : own
    },
    stopWatching() {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onTerminate)
    },
  }
}

function ignoreClosedStderr(): undefined {
  return undefined
}
