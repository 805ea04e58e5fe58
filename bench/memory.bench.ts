import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { openCastore, toCastore, type CastoreEvent } from './twins/castore.ts'
import { memoryStore } from '../packages/core/src/store/memory/memory-store.ts'
import type { Store, StreamAppend } from '../packages/core/src/store/store.ts'
import { AppendMaker, drive } from './workload/appends.ts'

const CALLS = 30_000

function variant(
  callers: number,
  open: (setting: Setting) => Promise<Maker>,
  name: string,
): Variant {
  const label = `${callers} caller${callers === 1 ? '' : 's'}`
  return {
    name: `${name}, ${label}`,
    needsPeers: name === 'Castore',
    async start(setting): Promise<Running> {
      const maker = await open(setting)
      const calls = Math.max(callers, scaled(CALLS, setting.scale))
      let work: () => Promise<void>
      return {
        prepare() {
          work = maker(new AppendMaker({ callers, eventsPerCall: 1, calls }).next())
        },
        async sample() {
          await work()
          return { count: calls }
        },
      }
    },
  }
}

/** Takes what a sample appends and gives back the work to time, on an empty store. */
type Maker = (lists: StreamAppend[][]) => () => Promise<void>

async function ours(): Promise<Maker> {
  return (lists) => {
    const store: Store = memoryStore()
    return () => drive(lists, (append) => store.append([append]))
  }
}

async function castore(): Promise<Maker> {
  const open = await openCastore()
  return (lists) => {
    const store = open()
    const calls = lists.map((list) => list.map((append): CastoreEvent => toCastore(append)))
    return () => drive(calls, (event) => store.pushEvent(event))
  }
}

export const bench: Bench = {
  name: 'memory',
  summary: "appends to the log in memory, against Castore's",
  clock: 'cpu',
  shows: 'rate',
  unit: 'event',
  rounds: 15,
  warmups: 4,
  variants: [1, 32].flatMap((callers) => [
    variant(callers, ours, 'ours'),
    variant(callers, castore, 'Castore'),
  ]),
  goals: [
    { kind: 'ratio', variant: 'ours, 1 caller', reference: 'Castore, 1 caller', atLeast: 1 },
    { kind: 'ratio', variant: 'ours, 32 callers', reference: 'Castore, 32 callers', atLeast: 1 },
  ],
  notes: [
    'One event an append, a new stream every 5 events, an empty store for every sample. Ours takes sealed events (checked before the clock starts), checks version and ids and gives readers a frozen copy; Castore (EventStore over its in-memory adapter) takes plain objects and checks the version. NODE_ENV=production for both.',
  ],
}
