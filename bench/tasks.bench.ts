import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { RawTaskQueue } from './twins/task-queue.ts'
import { LabelPrinted, PrintLabel } from './workload/tasks.ts'

const TASKS = 1000
const CONCURRENCY = 10
const PER_APPEND = 100

async function ours({ folder, scale }: Setting): Promise<Running> {
  const { bootstrap, defineModule, defineWorker, startTask } = await import('tidings')
  const { sqlite } = await import('tidings/sqlite')
  const worker = defineWorker(
    PrintLabel,
    async ({ payload: { parcelId } }) => LabelPrinted({ parcelId, pages: 1 }),
    { concurrency: CONCURRENCY },
  )
  const store = sqlite(join(folder, 'log.db'))
  const modules = [defineModule('bench', [PrintLabel, LabelPrinted, worker])]
  const app = await bootstrap({ store, modules })
  const total = scaled(TASKS, scale)
  let number = 0
  return {
    async sample() {
      for (let made = 0; made < total; made += PER_APPEND) {
        const count = Math.min(PER_APPEND, total - made)
        await app.store.append(
          ...Array.from({ length: count }, () =>
            startTask(PrintLabel, {
              parcelId: `parcel-${number}`,
              depot: `depot-${number++ % 40}`,
            }),
          ),
        )
      }
      await app.delivery.caughtUp({ names: [PrintLabel.type] })
      const { parked } = await app.admin.subscription(PrintLabel.type)
      if (parked > 0) throw new Error(`${parked} tasks are not done`)
      return { count: total }
    },
    stop: () => app.close(),
  }
}

function twin({ folder, scale }: Setting, endsTogether: boolean): Running {
  const queue = new RawTaskQueue(join(folder, 'tasks.db'))
  const total = scaled(TASKS, scale)
  let number = 0
  return {
    async sample() {
      for (let made = 0; made < total; made += PER_APPEND) {
        const count = Math.min(PER_APPEND, total - made)
        queue.add(
          Array.from({ length: count }, () => ({
            id: crypto.randomUUID(),
            payload: JSON.stringify({
              parcelId: `parcel-${number}`,
              depot: `depot-${number++ % 40}`,
            }),
          })),
        )
      }
      const count = await queue.work(
        { concurrency: CONCURRENCY, endsTogether },
        async (payload) => ({
          parcelId: (payload as { parcelId: string }).parcelId,
          pages: 1,
        }),
      )
      if (count !== total) throw new Error(`${count} of ${total} tasks are done`)
      return { count }
    },
    stop: () => queue.close(),
  }
}

export const bench: Bench = {
  name: 'tasks',
  summary: 'tasks from their start to their result, against a queue table by hand',
  clock: 'wall',
  shows: 'rate',
  unit: 'task',
  rounds: 11,
  warmups: 2,
  variants: [
    { name: 'ours', start: ours },
    { name: 'twin, a queue table', start: (setting) => twin(setting, false) },
    { name: 'twin, ends together', start: (setting) => twin(setting, true) },
  ],
  goals: [{ kind: 'ratio', variant: 'ours', reference: 'twin, a queue table', atLeast: 0.7 }],
  notes: [
    `${TASKS} tasks started by hundreds and done by one worker, ${CONCURRENCY} at a time, whose work is none; synchronous = FULL.`,
    'Ours records each task as three events (asked for, begun, done) in the log, under contracts, in order and fenced, and can be retried, cancelled and redriven; the twin claims ten in one transaction, keeps one row a task, and notes each end in a transaction of its own.',
    'Ours records together what ends and what begins in the same turn: here, where the work is none, ten ends and the next ten begins. The third row is what committing ends together would give the twin, at the price that each task waits for the slowest of the ten. What is left between it and ours is CPU: checking, freezing and writing two events more, lanes, progress.',
  ],
}
