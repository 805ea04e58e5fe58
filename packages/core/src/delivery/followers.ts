import type { ParkedEvent } from '../store/parked-store.ts'

/**
 * The parked events of a key that come along when others of it are redriven: they only wait behind one
 * of those. Pure.
 *
 * @param events all unfinished ones of the key, in order
 */
export function followersOf(
  events: readonly ParkedEvent[],
  chosen: ReadonlySet<string>,
): readonly ParkedEvent[] {
  const followers: ParkedEvent[] = []
  let isMoving = false
  for (const event of events) {
    if (chosen.has(event.parkedId) || event.state === 'redriving') isMoving = true
    // It stays, and with it whatever is behind it.
    else if (event.reason !== 'behind') break
    else if (isMoving) followers.push(event)
  }
  return followers
}
