import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { defineAggregate } from '../packages/core/src/contract/define-aggregate.ts'
import { createRegistry } from '../packages/core/src/contract/registry.ts'
import { loadState } from '../packages/core/src/work/repository.ts'
import { openOurs } from './twins/ours.ts'
import {
  LineAdded,
  LineRemoved,
  OrderConfirmed,
  OrderPlaced,
  type OrderLine,
} from './workload/orders.ts'
import { seededIds, seedLog, type SeedPlan } from './workload/seed-log.ts'

interface OrderState {
  readonly lines: number
  readonly quantity: number
  readonly confirmed: number
}

const initialState: OrderState = { lines: 0, quantity: 0, confirmed: 0 }

/** One `evolve` for all variants: what differs is how the events come to it. */
const evolve = {
  'Shop.Order.Placed': (state: OrderState, { payload }: Fact): OrderState => ({
    ...state,
    lines: state.lines + 1,
    quantity: state.quantity + payload.quantity,
  }),
  'Shop.Order.LineAdded': (state: OrderState, { payload }: Fact): OrderState => ({
    ...state,
    lines: state.lines + 1,
    quantity: state.quantity + payload.quantity,
  }),
  'Shop.Order.LineRemoved': (state: OrderState, { payload }: Fact): OrderState => ({
    ...state,
    lines: state.lines - 1,
    quantity: state.quantity - payload.quantity,
  }),
  'Shop.Order.Confirmed': (state: OrderState): OrderState => ({
    ...state,
    confirmed: state.confirmed + 1,
  }),
}

interface Fact {
  readonly payload: OrderLine
}

const Order = defineAggregate('Shop.Order', {
  events: [OrderPlaced, LineAdded, LineRemoved, OrderConfirmed],
  commands: [],
  id: () => '',
  initialState,
  evolve,
  decide: {},
})

const plan = (scale: number): SeedPlan => ({
  streams: scaled(20, Math.sqrt(scale)),
  eventsPerStream: Math.max(5, scaled(2_000, Math.sqrt(scale)) * 5),
})

const file = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'log.db')

/** Folds every stream; the states go into the figures, so that the variants can be compared. */
function folding(
  name: string,
  fold: (setting: Setting) => Promise<Folder>,
  informative = false,
): Variant {
  return {
    name,
    ...(informative ? { informative } : {}),
    async start(setting): Promise<Running> {
      const { load, stop } = await fold(setting)
      const { streams, eventsPerStream } = plan(setting.scale)
      const ids = seededIds({ streams, eventsPerStream })
      return {
        async sample() {
          let [quantity, version] = [0, 0]
          for (const id of ids) {
            const loaded = await load(id)
            quantity += loaded.state.quantity
            version += loaded.version
          }
          if (version !== streams * eventsPerStream) throw new Error(`folded ${version} events`)
          return { count: version, figures: { quantity } }
        },
        stop,
      }
    },
  }
}

interface Folder {
  readonly load: (id: string) => Promise<Loaded> | Loaded
  readonly stop: () => Promise<void> | void
}

interface Loaded {
  readonly state: OrderState
  readonly version: number
}

async function ours(setting: Setting): Promise<Folder> {
  const store = await openOurs(file(setting))
  const registry = createRegistry([], { aggregates: [Order] })
  const source = {
    readStream: store.readStream.bind(store),
    loadSnapshot: () => Promise.resolve(undefined),
    removed: () => Promise.resolve([]),
  }
  return {
    load: async (id) => {
      const { state, version } = await loadState(source, registry, Order, { id })
      return { state: state as OrderState, version }
    },
    stop: () => store.close(),
  }
}

type Row = readonly [version: number, type: number, payload: string]

const ALL_COLUMNS =
  'version, event_type, payload, position, stream, event_id, event_version, correlation_id, causation_id, occurred_at, recorded_at, schema, metadata'

/** A loop by hand over pages of 1000 rows, with the columns it is told. */
function bare(columns: string): (setting: Setting) => Promise<Folder> {
  return async (setting) => {
    const database = new DatabaseSync(file(setting), { readOnly: true })
    database.exec('pragma cache_size = -32768')
    const types = new Map(
      database
        .prepare('select id, name from event_types')
        .all()
        .map(({ id, name }) => [id as number, name as keyof typeof evolve]),
    )
    const page = database.prepare(
      `select ${columns} from event_log where stream = ? and version > ? order by version limit 1000`,
      { returnArrays: true },
    )
    return { load: (id) => foldRows(page, types, id), stop: () => database.close() }
  }
}

function foldRows(
  page: StatementSync,
  types: ReadonlyMap<number, keyof typeof evolve>,
  id: string,
): Loaded {
  let [state, version] = [initialState, 0]
  for (;;) {
    const rows = page.all(`Shop.Order/${id}`, version) as unknown as readonly Row[]
    for (const row of rows) {
      const type = types.get(row[1])
      if (type === undefined) throw new Error(`type ${row[1]} has no name`)
      state = evolve[type](state, { payload: JSON.parse(row[2]) as OrderLine })
      version = row[0]
    }
    if (rows.length < 1000) return { state, version }
  }
}

export const bench: Bench = {
  name: 'fold',
  summary:
    'folding streams of 10,000 events by the repository, against a bare loop with the same evolve',
  clock: 'cpu',
  shows: 'rate',
  unit: 'event',
  rounds: 11,
  warmups: 2,
  variants: [
    folding('ours', ours),
    folding('bare loop', bare(ALL_COLUMNS)),
    folding('bare loop, three columns', bare('version, event_type, payload'), true),
  ],
  goals: [
    { kind: 'ratio', variant: 'ours', reference: 'bare loop', atLeast: 0.7 },
    { kind: 'ratio', variant: 'ours', reference: 'bare loop, three columns' },
  ],
  notes: [
    '20 streams of 10,000 events whose rows lie interleaved; NODE_ENV=production. The bare loop reads the same columns as arrays and hands evolve no more than the payload; the second one reads only the three columns that this evolve needs.',
  ],
  agreeOn: 'quantity',
  seed: ({ shared, scale }) => seedLog(file({ shared }), plan(scale)),
}
