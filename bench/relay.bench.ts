import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { RawConsumer, recordMaker, type RawRecord } from './twins/consumer.ts'
import { ParcelScanned, seedParcels } from './workload/parcels.ts'

const EVENTS = 40_000
const KEYS = 10_000

const seeded = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'log.db')

interface Sent {
  readonly value: string
}

/** What went out, so that nobody is fast by sending less. */
function figuresOf(records: readonly Sent[]): Readonly<Record<string, number>> {
  return { bytes: records.reduce((sum, { value }) => sum + value.length, 0) }
}

async function ours(setting: Setting): Promise<Running> {
  const { bootstrap, defineModule, memoryPublisher } = await import('tidings')
  const { sqlite } = await import('tidings/sqlite')
  const own = join(setting.folder, 'log.db')
  const begin = async () => {
    // Another file each time: a relay has its progress in the log that it sends.
    for (const part of ['', '-wal', '-shm']) rmSync(own + part, { force: true })
    copyFileSync(seeded(setting), own)
    const publisher = memoryPublisher()
    const modules = [defineModule('bench', [ParcelScanned])]
    const app = await bootstrap({
      store: sqlite(own),
      modules,
      publisher,
      delivery: { run: false },
    })
    return { app, publisher }
  }
  let { app, publisher } = await begin()
  return {
    async sample() {
      const delivery = app.delivery as unknown as { start(names: readonly string[]): void }
      delivery.start(['relay'])
      await app.delivery.caughtUp({ names: ['relay'] })
      const records = publisher.records('parcels')
      return { count: records.length, figures: figuresOf(records) }
    },
    async settle() {
      await app.close()
      ;({ app, publisher } = await begin())
    },
    stop: () => app.close(),
  }
}

function twin(setting: Setting): Running {
  const own = join(setting.folder, 'log.db')
  copyFileSync(seeded(setting), own)
  const consumer = new RawConsumer(own)
  const makeRecord = recordMaker(consumer.database)
  return {
    sample() {
      const topics = new Map<string, RawRecord[]>()
      const count = consumer.relay((row) => {
        const record = makeRecord(row)
        const kept = topics.get(record.topic)
        if (kept === undefined) topics.set(record.topic, [record])
        else kept.push(record)
      })
      return { count, figures: figuresOf(topics.get('parcels') ?? []) }
    },
    settle: () => consumer.restart(),
    stop: () => consumer.close(),
  }
}

/** As it runs where it counts: in development payloads are frozen to the bottom. */
const env = { NODE_ENV: 'production' }

export const bench: Bench = {
  name: 'relay',
  summary: 'what has a topic goes into memory, against a loop by hand that writes a checkpoint',
  clock: 'cpu',
  shows: 'rate',
  unit: 'event',
  rounds: 11,
  warmups: 2,
  variants: [
    { name: 'ours', start: ours, env },
    { name: 'twin, checkpoint only', start: twin, env },
  ],
  goals: [{ kind: 'ratio', variant: 'ours', reference: 'twin, checkpoint only', atLeast: 0.7 }],
  figures: ['bytes'],
  agreeOn: 'bytes',
  notes: [
    `${EVENTS.toLocaleString('en')} events of 200 bytes over ${KEYS.toLocaleString('en')} keys, synchronous = FULL; both make the same records, byte for byte, and keep them.`,
    'Ours sends in batches of 1,000 under its lease, parks what cannot be sent with the later ones of its key, and notes its mark under the fence; the twin reads pages of 1,000, pastes texts together, and writes a mark behind each page.',
    'Where the time of ours goes (two CPU profiles of six samples): JSON.stringify of the records 18 to 21 %, rows of SQLite 18 to 25, commits 14 to 19 (44 of them, 40 of the twin), what the runtime keeps of each event (plan, lane, batch, mark) 16 to 17, JSON.parse and the envelopes 8 to 9, the collector 6 to 12. The twin parses nothing, writes no JSON, and sends the payload as the text that it is stored as.',
    'Tried and kept: a batch as large as a page (half the commits), one promise and one step of the mark for a batch, the clock read once a page, no sets and no hashing where nothing ran ahead or is parked. Tried and left: pasting the record together as the twin does (a third slower in all, for its pieces stay objects until the record goes, and the collector pays); joining it from checked texts (5 %: nine texts have to be looked at for what JSON escapes); a buffer of half a batch (no difference).',
    'Tried and left: payloads that stay the text that they are stored as, neither parsed nor written anew, which is the most that a raw reading in the port of the store could save. With the rest of the record by JSON.stringify 0.55, with all of it pasted 0.62, beside 0.61 as it is (5 rounds each, one after the other on a loaded machine): the port is not made wider for that.',
    'Judged by CPU time: the disk is waited for once a page by both, and a loaded machine makes most of that.',
  ],
  seed: ({ shared, scale }) =>
    seedParcels(seeded({ shared }), { events: scaled(EVENTS, scale), keys: KEYS }),
}
