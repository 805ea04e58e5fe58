import type { Store, StoredEnvelope } from 'tidings'

/** What is wrong with the log of a round; empty where nothing is. */
export async function findLogFaults(store: Store): Promise<string[]> {
  const faults: string[] = []
  for await (const fault of store.catalog.verify()) faults.push(`${fault.code}: ${fault.message}`)
  for await (const event of store.readAll()) {
    const fault = await findFault(store, event)
    if (fault !== undefined) faults.push(`event ${event.position} (${event.eventType}): ${fault}`)
  }
  return faults
}

/** An event is caused by a command that was done, or by an event that a handler followed. */
async function findFault(
  store: Store,
  { causationId = '', correlationId }: StoredEnvelope,
): Promise<string | undefined> {
  const command = await store.commands.find(causationId)
  const cause = command ?? (await store.findEvent(causationId))
  if (cause === undefined) return `neither a command nor an event is its cause ${causationId}`
  if (cause.correlationId !== correlationId)
    return `its trace ${correlationId} is not its cause's ${cause.correlationId}`
  if (command !== undefined && command.outcome !== 'done')
    return `its command is recorded as ${command.outcome}`
  return undefined
}
