import type { Store } from 'tidings'

/** What is wrong with the log of a round; empty where nothing is. */
export async function findLogFaults(store: Store): Promise<string[]> {
  const faults: string[] = []
  for await (const fault of store.catalog.verify()) faults.push(`${fault.code}: ${fault.message}`)
  for await (const event of store.readAll()) {
    const name = `event ${event.position} (${event.eventType})`
    const command =
      event.causationId === undefined ? undefined : await store.commands.find(event.causationId)
    if (command === undefined) {
      faults.push(`${name}: no command is recorded under its cause ${event.causationId}`)
    } else if (command.correlationId !== event.correlationId) {
      faults.push(
        `${name}: its trace ${event.correlationId} is not its command's ${command.correlationId}`,
      )
    } else if (command.outcome !== 'done') {
      faults.push(`${name}: its command is recorded as ${command.outcome}`)
    }
  }
  return faults
}
