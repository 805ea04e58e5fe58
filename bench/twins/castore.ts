import type { StreamAppend } from '../../packages/core/src/store/store.ts'
import { importPeer } from '../harness/peers.ts'

export interface CastoreEvent {
  readonly aggregateId: string
  readonly version: number
  readonly type: string
  readonly timestamp: string
  readonly payload: unknown
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface CastoreStore {
  pushEvent(event: CastoreEvent): Promise<unknown>
}

interface CastoreModule {
  EventStore: new (options: Record<string, unknown>) => CastoreStore
  EventType: new (options: { type: string }) => object
}

interface AdapterModule {
  InMemoryEventStorageAdapter: new () => object
}

export function toCastore(append: StreamAppend): CastoreEvent {
  const [event] = append.events
  if (event === undefined || append.events.length > 1)
    throw new Error('Castore pushes one event at a time')
  const { envelope } = event
  return {
    aggregateId: envelope.aggregateId,
    version: Number(append.expectedVersion) + 1,
    type: envelope.eventType,
    timestamp: envelope.timestamp,
    payload: envelope.payload,
    metadata: {
      ...envelope.metadata,
      eventId: envelope.eventId,
      correlationId: envelope.correlationId,
      causationId: envelope.causationId,
    },
  }
}

/** Makes empty Castore stores over its in-memory adapter. */
export async function openCastore(): Promise<() => CastoreStore> {
  const { EventStore, EventType } = await importPeer<CastoreModule>('@castore/core')
  const { InMemoryEventStorageAdapter } = await importPeer<AdapterModule>(
    '@castore/event-storage-adapter-in-memory',
  )
  const eventTypes = ['Placed', 'LineAdded', 'LineRemoved', 'Confirmed'].map(
    (verb) => new EventType({ type: `Shop.Order.${verb}` }),
  )
  return () =>
    new EventStore({
      eventStoreId: 'ORDERS',
      eventTypes,
      reducer: (state: unknown) => state,
      eventStorageAdapter: new InMemoryEventStorageAdapter(),
    })
}
