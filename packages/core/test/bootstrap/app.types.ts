import { expectTypeOf } from 'expect-type'
import { z } from 'zod'
import type { AppOf, HandledCommand } from '../../src/bootstrap/app.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { ANY, type CheckedSelector } from '../../src/bus/selector.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { defineCommandHandler } from '../../src/messaging/command-handler.ts'
import type { SqlTransaction, Store } from '../../src/store/store.ts'
import {
  counterModule,
  CounterCompleted,
  CounterUpdated,
  UpdateCounter,
  type CounterState,
} from '../support/counter.ts'

declare const memory: Store
declare const sql: Store<SqlTransaction>
declare const app: AppOf<readonly [typeof counterModule]>

const payload = z.object({ rowId: z.string() })
const Unknown = defineCommand('Test.Unknown.Update', { payload })
const Rename = defineCommand('Test.Row.Rename', { payload })
const Renamed = defineEvent('Test.Row.Renamed', { payload })

interface Updated {
  counterId: string
  by: number
}

export async function commands(): Promise<void> {
  const sent = await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  expectTypeOf(sent.state).toEqualTypeOf<CounterState>()
  expectTypeOf(sent.result).toEqualTypeOf<undefined>()
  expectTypeOf(sent.events[0]!.eventType).toEqualTypeOf<
    'Test.Counter.Updated' | 'Test.Counter.Completed'
  >()

  // @ts-expect-error '✗ no module of this app handles 'Test.Unknown.Update''
  await app.send(Unknown, { rowId: 'a' })
  // @ts-expect-error a field is missing
  await app.send(UpdateCounter, { counterId: 'a' })
  // @ts-expect-error a field is of another type
  await app.send(UpdateCounter, { counterId: 'a', by: '1' })
  // @ts-expect-error an event is no command
  await app.send(CounterUpdated, { counterId: 'a', by: 1 })
  // @ts-expect-error an option that there is not
  await app.send(UpdateCounter, { counterId: 'a', by: 1 }, { commandID: 'x' })
}

export function listeners(): void {
  app.bus.subscribe(CounterUpdated, (event) => {
    expectTypeOf(event.payload).toEqualTypeOf<Updated>()
    expectTypeOf(event.eventType).toEqualTypeOf<'Test.Counter.Updated'>()
  })
  app.bus.subscribe([CounterUpdated, CounterCompleted], (event) => {
    expectTypeOf(event.eventType).toEqualTypeOf<'Test.Counter.Updated' | 'Test.Counter.Completed'>()
    if (event.eventType === 'Test.Counter.Updated') {
      expectTypeOf(event.payload).toEqualTypeOf<Updated>()
    }
  })
  app.bus.subscribe('Test.Counter.Upd*', (event) => {
    expectTypeOf(event.eventType).toEqualTypeOf<'Test.Counter.Updated'>()
  })
  app.bus.subscribe('Test.**', (event) => {
    expectTypeOf(event.eventType).toEqualTypeOf<'Test.Counter.Updated' | 'Test.Counter.Completed'>()
  })
  app.bus.subscribe('Test.Counter.Completed', (event) => {
    expectTypeOf(event.payload).toEqualTypeOf<{ counterId: string }>()
  })
  app.bus.subscribe(ANY, (event) => {
    expectTypeOf(event).toExtend<Envelope>()
    expectTypeOf(event.eventType).toEqualTypeOf<'Test.Counter.Updated' | 'Test.Counter.Completed'>()
  })
  // @ts-expect-error '✗ no event of this app matches 'Tset.**''
  app.bus.subscribe('Tset.**', () => undefined)
  // @ts-expect-error '✗ no event of this app matches 'Test.Counter.Update''
  app.bus.subscribe('Test.Counter.Update', () => undefined)
}

/** The sentences themselves: what a person reads in the editor. */
export function sentences(): void {
  type Routes = (typeof counterModule)['~route']
  expectTypeOf<
    HandledCommand<typeof Unknown, Routes>
  >().toEqualTypeOf<"✗ no module of this app handles 'Test.Unknown.Update'">()
  expectTypeOf<HandledCommand<typeof UpdateCounter, Routes>>().toEqualTypeOf<typeof UpdateCounter>()
  type Known = (typeof counterModule)['~event']
  expectTypeOf<
    CheckedSelector<'Tset.**', Known>
  >().toEqualTypeOf<"✗ no event of this app matches 'Tset.**'">()
  expectTypeOf<CheckedSelector<'Test.**', Known>>().toEqualTypeOf<'Test.**'>()
}

export async function sqlHandlers(): Promise<void> {
  const rename = defineCommandHandler<typeof Rename, { renamed: number }, SqlTransaction>(
    Rename,
    async (command, { tx }) => {
      await tx.sql`UPDATE rows SET name = ${command.rowId}`
      await tx.append({ aggregateType: 'Test.Row', aggregateId: 'a', events: Renamed(command) })
      return { renamed: 1 }
    },
  )
  const rows = defineModule('rows', [Renamed, rename])
  const onSql = await bootstrap({ store: sql, modules: [rows] })
  const sent = await onSql.send(Rename, { rowId: 'a' })
  expectTypeOf(sent.result).toEqualTypeOf<{ renamed: number }>()
  expectTypeOf(sent.state).toEqualTypeOf<undefined>()
  await onSql.store.transaction(async (tx) => tx.sql`SELECT 1`)

  const received = await onSql.receive({ source: 'github', id: 'x' }, async ({ tx }) => {
    await tx.sql`SELECT 1`
    return 7
  })
  // @ts-expect-error a repeat has no result
  expectTypeOf(received.result).toBeNumber()
  if (!received.repeated) expectTypeOf(received.result).toBeNumber()
  await app.receive({ source: 'github', id: 'x' }, async ({ tx }) => {
    // The memory store's transactions have no sql.
    expectTypeOf(tx).not.toHaveProperty('sql')
  })

  // @ts-expect-error a handler that writes rows needs a store that has SQL
  await bootstrap({ store: memory, modules: [rows] })
  // @ts-expect-error one handler of several is enough
  await bootstrap({ store: memory, modules: [counterModule, rows] })
  // The memory store's transactions have no sql.
  expectTypeOf<Parameters<Parameters<typeof app.store.transaction>[0]>[0]>().not.toHaveProperty(
    'sql',
  )
}
