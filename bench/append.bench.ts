import { join } from 'node:path'
import {
  scaled,
  type Bench,
  type Goal,
  type Running,
  type Setting,
  type Variant,
} from './harness/bench.ts'
import { openEmmett, openQueuedEmmett, toEmmett } from './twins/emmett.ts'
import { compareLogs } from './twins/compare-logs.ts'
import { openOurs, waitForIndexes } from './twins/ours.ts'
import { RawLog } from './twins/sqlite-log.ts'
import { toRaw } from './twins/to-raw.ts'
import { AppendMaker, drive, type Load } from './workload/appends.ts'
import { commandFor } from './workload/commands.ts'

interface Shape extends Load {
  readonly label: string
  readonly withCommand?: boolean
  readonly informative?: boolean
}

const shapes: readonly Shape[] = [
  { label: '1 caller', callers: 1, eventsPerCall: 1, calls: 2_000 },
  { label: '8 callers', callers: 8, eventsPerCall: 1, calls: 16_000 },
  { label: '32 callers', callers: 32, eventsPerCall: 1, calls: 32_000 },
  {
    label: '32 callers × 10 events',
    callers: 32,
    eventsPerCall: 10,
    calls: 3_200,
    informative: true,
  },
  {
    label: '32 callers, with a command row',
    callers: 32,
    eventsPerCall: 1,
    calls: 16_000,
    withCommand: true,
    informative: true,
  },
]

function ours(shape: Shape): Variant {
  return {
    name: `ours, ${shape.label}`,
    ...informative(shape),
    async start(setting) {
      const store = await openOurs(join(setting.folder, 'log.db'))
      return {
        ...appending(shape, setting, {
          convert: (append) => ({
            appends: [append],
            command: shape.withCommand === true ? commandFor(append) : undefined,
          }),
          append: ({ appends, command }) =>
            store.append(appends, command === undefined ? undefined : { command }),
          settle: () => waitForIndexes(join(setting.folder, 'log.db')),
        }),
        stop: () => store.close(),
      }
    },
  }
}

function twin(shape: Shape, grouped = true): Variant {
  return {
    name: `${grouped ? 'twin' : 'twin without group commit'}, ${shape.label}`,
    ...informative(shape),
    start(setting) {
      const log = new RawLog(join(setting.folder, 'log.db'), { grouped })
      return {
        ...appending(shape, setting, {
          convert: (append) =>
            toRaw(append, shape.withCommand === true ? commandFor(append) : undefined),
          append: (append) => log.append(append),
        }),
        stop: () => log.close(),
      }
    },
  }
}

function emmett(shape: Shape, open: typeof openEmmett): Variant {
  return {
    name: `Emmett${open === openEmmett ? '' : ' behind a queue'}, ${shape.label}`,
    needsPeers: true,
    async start(setting) {
      const store = await open(setting.folder)
      // A tenth of the calls: it is that much slower, and a smaller file is to its advantage.
      const fewer = { ...shape, calls: shape.calls / 10 }
      return {
        ...appending(fewer, setting, {
          convert: toEmmett,
          append: (append) => store.append(append),
        }),
        stop: () => store.close(),
      }
    },
  }
}

function informative(shape: Shape): { readonly informative?: boolean } {
  return shape.informative === true ? { informative: true } : {}
}

interface Adapter<Call> {
  convert(append: ReturnType<AppendMaker['next']>[number][number]): Call
  append(call: Call): Promise<unknown>
  settle?(): Promise<void>
}

/** Sealing and converting come before the clock: what is timed is the store. */
function appending<Call>(shape: Shape, setting: Setting, adapter: Adapter<Call>): Running {
  const load = { ...shape, calls: Math.max(shape.callers, scaled(shape.calls, setting.scale)) }
  const maker = new AppendMaker(load)
  let lists: Call[][] = []
  return {
    prepare() {
      lists = maker.next().map((list) => list.map((append) => adapter.convert(append)))
    },
    async sample() {
      await drive(lists, (call) => adapter.append(call))
      return { count: load.calls * shape.eventsPerCall }
    },
    async settle() {
      lists = []
      await adapter.settle?.()
    },
  }
}

const byLabel = (label: string): Shape => {
  const shape = shapes.find((one) => one.label === label)
  if (shape === undefined) throw new Error(`no shape '${label}'`)
  return shape
}
const judged = shapes.filter((shape) => shape.informative !== true)

export const bench: Bench = {
  name: 'append',
  summary: 'appends to the SQLite log, synchronous = FULL, against a hand-written twin and Emmett',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 9,
  warmups: 2,
  variants: [
    ...shapes.flatMap((shape) => [ours(shape), twin(shape)]),
    twin(byLabel('32 callers'), false),
    emmett(byLabel('1 caller'), openEmmett),
    ...judged.map((shape) => emmett(shape, openQueuedEmmett)),
  ],
  goals: [
    {
      kind: 'ratio',
      variant: 'twin, 32 callers',
      reference: 'twin without group commit, 32 callers',
      atLeast: 2,
      fairness: true,
    },
    ...judged.map(({ label }): Goal => ({
      kind: 'ratio',
      variant: `ours, ${label}`,
      reference: `twin, ${label}`,
      atLeast: 0.7,
    })),
    { kind: 'ratio', variant: 'ours, 1 caller', reference: 'Emmett, 1 caller', atLeast: 5 },
    ...['8 callers', '32 callers'].map((label): Goal => ({
      kind: 'ratio',
      variant: `ours, ${label}`,
      reference: `Emmett behind a queue, ${label}`,
      atLeast: 5,
    })),
    // One caller waits for one flush of the disk: behind a kept-open connection nobody is 5 × another.
    { kind: 'ratio', variant: 'ours, 1 caller', reference: 'Emmett behind a queue, 1 caller' },
    ...shapes
      .filter((shape) => shape.informative === true)
      .map(({ label }): Goal => ({
        kind: 'ratio',
        variant: `ours, ${label}`,
        reference: `twin, ${label}`,
      })),
  ],
  notes: [
    'Events of about 260 bytes of payload, v7 ids everywhere, a new stream every 5 events, exact expected versions. Every store is given the same events, checked and as JSON before the clock starts; after the run the rows of ours and the twin are compared and must be equal.',
    'The twin has the same columns, indexes, pragmas and version check, and group commit by hand; it knows no contracts, no repeats, no second process. Ours also fills its indexes by type, tenant and time, the twin does not have them; the filling runs behind by at most 4,000 events, and what is left of it after a sample is waited for and not counted.',
    "'Emmett' is its SQLite store (WAL, synchronous = FULL) as documented, by file name: it opens a connection per append, an append that meets the last one's lock is tried again, and appends that come together fail. 'Behind a queue' is the fastest form that is right with several callers: one connection that stays open, one append after the other.",
  ],
  verify(folders) {
    for (const { label } of shapes) {
      const [ours, twin] = [folders.get(`ours, ${label}`), folders.get(`twin, ${label}`)]
      // One that failed is named in the report; there is nothing to compare then.
      if (ours !== undefined && twin !== undefined)
        compareLogs(join(ours, 'log.db'), join(twin, 'log.db'))
    }
  },
}
