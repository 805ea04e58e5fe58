import { systemClock } from 'tidings'
import { turns } from './expectations.ts'

/**
 * Looks at what is not answered, at the most, before time goes on nevertheless: half a second and more. A disk
 * stands still for longer than the 40 ms of 50 looks, and meanwhile minutes of a scenario went by.
 */
const MOST_LOOKS = 500
/** The first of them cost no time: a store in memory, or in a file, has answered by then. */
const QUICK_LOOKS = 10

/**
 * Waits until a store has answered: the time of a scenario is not to run away from one that takes real
 * time for its answers. What waits for something else (for a transaction that hangs) is not waited for
 * a second time.
 *
 * @param underWay how many calls are not answered
 */
export function quiet(underWay: () => number): () => Promise<void> {
  let stuck = 0
  return async () => {
    for (let looks = 0; looks < MOST_LOOKS && underWay() > stuck; looks++) {
      if (looks < QUICK_LOOKS) await turns(1)
      else await systemClock.sleep(1)
    }
    stuck = underWay()
  }
}
