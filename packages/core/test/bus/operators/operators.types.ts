import { expectTypeOf } from 'expect-type'
import type { AppOf } from '../../../src/bootstrap/app.ts'
import {
  ANY,
  batch,
  concurrency,
  filter,
  idempotent,
  isolate,
  priority,
  retry,
  route,
  throttle,
  timeout,
  transform,
  window,
  type EventBus,
} from '../../../src/bus.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { type counterModule, CounterCompleted, CounterUpdated } from '../../support/counter.ts'

declare const app: AppOf<readonly [typeof counterModule]>
declare const open: EventBus

interface Updated {
  counterId: string
  by: number
}
type UpdatedEvent = (typeof CounterUpdated)['~event']
type CompletedEvent = (typeof CounterCompleted)['~event']

export function eachAlone(): void {
  app.bus.subscribe(
    CounterUpdated,
    retry({ attempts: 3 }, async (event, ctx) => {
      expectTypeOf(event.payload).toEqualTypeOf<Updated>()
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
    }),
  )
  app.bus.subscribe(
    CounterUpdated,
    filter(
      (event) => event.payload.by > 1,
      (event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    transform(
      (event) => ({ ...event, payload: { total: event.payload.by } }),
      (event) => expectTypeOf(event.payload).toEqualTypeOf<{ total: number }>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    batch({ size: 10 }, (events) => expectTypeOf(events).toEqualTypeOf<readonly UpdatedEvent[]>()),
  )
  app.bus.subscribe(
    CounterUpdated,
    window({ count: 3, key: (event) => event.payload.counterId }, (one) =>
      expectTypeOf(one.events).toEqualTypeOf<readonly UpdatedEvent[]>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    concurrency({ limit: 2, key: (event) => event.payload.counterId }, (event) =>
      expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    priority({ of: (event) => event.payload.by }, (event) =>
      expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    idempotent({ key: (event) => event.payload.counterId }, (event) =>
      expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    isolate(
      (event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
      (_error, event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
    ),
  )
}

export function inEachOther(): void {
  app.bus.subscribe(
    [CounterUpdated, CounterCompleted],
    filter(
      (event) => event.eventType === 'Test.Counter.Updated',
      retry(
        {},
        timeout(
          { ms: 5 },
          throttle({ limit: 1, intervalMs: 5 }, (event) =>
            expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
          ),
        ),
      ),
    ),
  )
  app.bus.subscribe(
    'Test.**',
    idempotent(
      {},
      concurrency(
        { limit: 2 },
        batch(
          {},
          retry({}, (events) =>
            expectTypeOf(events).toEqualTypeOf<readonly (UpdatedEvent | CompletedEvent)[]>(),
          ),
        ),
      ),
    ),
  )
}

export function routes(): void {
  app.bus.subscribe(
    ANY,
    route({
      'Test.Counter.Updated': (event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent>(),
      'Test.Counter.Completed': retry({}, (event) =>
        expectTypeOf(event).toEqualTypeOf<CompletedEvent>(),
      ),
    }),
  )
  app.bus.subscribe(
    ANY,
    route(
      { 'Test.Counter.Updated': (event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent>() },
      {
        default: (event) => expectTypeOf(event).toEqualTypeOf<UpdatedEvent | CompletedEvent>(),
      },
    ),
  )
  // @ts-expect-error without options no event may be missing
  app.bus.subscribe(ANY, route({ 'Test.Counter.Updated': () => undefined }))
  app.bus.subscribe(
    ANY,
    // @ts-expect-error no event has this type
    route({ 'Test.Counter.Updatd': () => undefined }, { missing: 'ignore' }),
  )
  // @ts-expect-error this event cannot come
  app.bus.subscribe(CounterUpdated, route({ 'Test.Counter.Completed': () => undefined }, {}))
  // A bus that knows no types takes any.
  open.subscribe(
    ANY,
    route({ 'Own.Thing.Done': (event) => expectTypeOf(event).toEqualTypeOf<Envelope>() }),
  )
}

export function wrong(): void {
  app.bus.subscribe(
    CounterUpdated,
    filter(
      // @ts-expect-error a promise is always true
      async () => false,
      () => undefined,
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    idempotent(
      {
        // @ts-expect-error a field that the payload does not have
        key: ({ payload: { none } }) => String(none),
      },
      () => undefined,
    ),
  )
  app.bus.subscribe(
    CounterUpdated,
    // @ts-expect-error an option that there is not
    retry({ attempt: 3 }, () => undefined),
  )
  app.bus.subscribe(
    CounterUpdated,
    // @ts-expect-error a priority that there is not
    priority({ of: () => 'urgent' }, () => undefined),
  )
  app.bus.subscribe(
    CounterUpdated,
    transform(
      // @ts-expect-error the function answers with no event
      () => undefined,
      () => undefined,
    ),
  )
  app.bus.subscribe(
    CounterCompleted,
    // @ts-expect-error the handler is of another event
    retry({}, (event: UpdatedEvent) => event.payload.by),
  )
}
