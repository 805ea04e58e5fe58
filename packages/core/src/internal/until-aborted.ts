/**
 * Waits for work of which only the waiting can be ended: then with the signal's reason, at once.
 *
 * @param onLateError owns the failure of work that nobody waits for any more
 */
export function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
  onLateError: (error: unknown) => void,
): Promise<Result> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    let isLeft = false
    const leave = (): void => {
      isLeft = true
      const reason: Error = signal.reason as Error
      reject(reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    work.then(
      (result) => {
        signal.removeEventListener('abort', leave)
        resolve(result)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', leave)
        if (isLeft) return onLateError(error)
        const reason: Error = error as Error
        reject(reason)
      },
    )
  })
}
