import * as z from 'zod'
import {
  defineCommand,
  defineCommandHandler,
  defineEvent,
  defineModule,
  defineSubscription,
  defineTask,
  defineTopic,
  defineWorker,
  startTask,
  type CommandContext,
  type SqlTransaction,
} from 'tidings'
import { fateOf, hasJob, hasReminder } from './plan-life.ts'
import type { Trap } from './trap.ts'

const payload = z.object({ key: z.string(), n: z.number() })
type Step = z.infer<typeof payload>

const facts = defineTopic('crash-facts', { carries: 'facts' })

export const Added = defineEvent('Crash.Counter.Added', { payload, topic: facts })
export const Reminded = defineEvent('Crash.Reminder.Sent', { payload })
export const Booked = defineEvent('Crash.Ledger.Booked', { payload, topic: facts })
export const JobFinished = defineEvent('Crash.Job.Finished', { payload })
export const Job = defineTask('Crash.Job.Requested', { payload, results: [JobFinished] })

export const Add = defineCommand('Crash.Counter.Add', { payload })
const Remind = defineCommand('Crash.Reminder.Send', { payload })
const Book = defineCommand('Crash.Ledger.Book', { payload })

/** Every effect of which there must be one for each event, and a row of the user's own. */
export type Effect =
  | 'added'
  | 'rows'
  | 'grouped'
  | 'sharded'
  | 'flaky'
  | 'booked'
  | 'reminded'
  | 'job'

/** Each has some of the keys. */
const SHARDS = 3

async function leaveRow(
  tx: Pick<SqlTransaction, 'sql'>,
  effect: Effect,
  { key, n }: Step,
): Promise<void> {
  await tx.sql`
    insert into crash_effects (effect, key, n, process) values (${effect}, ${key}, ${n}, ${process.pid})`
}

/** Everything that a runtime does: own rows alone and in groups, retries, commands, timers, tasks. */
export function makeModules(seed: number, trap: Trap) {
  return [
    defineModule('crash', [...commands(trap), ...subscriptions(seed, trap), worker(trap)]),
  ] as const
}

function commands(trap: Trap) {
  return [
    defineCommandHandler(Add, async (step, ctx: CommandContext<SqlTransaction>) => {
      await leaveRow(ctx.tx, 'added', step)
      await ctx.tx.append({
        aggregateType: 'Crash.Counter',
        aggregateId: step.key,
        events: Added(step),
      })
    }),
    defineCommandHandler(Book, async (step, ctx: CommandContext<SqlTransaction>) => {
      await leaveRow(ctx.tx, 'booked', step)
      const aggregateId = step.key
      await ctx.tx.append({ aggregateType: 'Crash.Ledger', aggregateId, events: Booked(step) })
    }),
    defineCommandHandler(Remind, async (step, ctx: CommandContext<SqlTransaction>) => {
      trap.pass('reminding')
      await leaveRow(ctx.tx, 'reminded', step)
      const aggregateId = `${step.key}-${step.n}`
      await ctx.tx.append({ aggregateType: 'Crash.Reminder', aggregateId, events: Reminded(step) })
    }),
  ] as const
}

function subscriptions(seed: number, trap: Trap) {
  const rows = defineSubscription<'rows', typeof Added, SqlTransaction>('rows', {
    events: Added,
    handle: async ({ payload: step }, { tx }) => {
      trap.pass('handling')
      await leaveRow(tx, 'rows', step)
      trap.pass('row-written')
    },
  })
  const grouped = defineSubscription<'grouped', typeof Added, SqlTransaction>('grouped', {
    events: Added,
    effects: 'database',
    handle: async ({ payload: step }, { tx }) => {
      await leaveRow(tx, 'grouped', step)
      trap.pass('grouped-written')
    },
  })
  const sharded = defineSubscription<'sharded', typeof Added, SqlTransaction>('sharded', {
    events: Added,
    shards: SHARDS,
    handle: async ({ payload: step }, { tx }) => {
      await leaveRow(tx, 'sharded', step)
      trap.pass('sharded-written')
    },
  })
  const flaky = defineSubscription<'flaky', typeof Added, SqlTransaction>('flaky', {
    events: Added,
    retry: { attempts: 2, delay: 1, later: [15] },
    // Events fail here, and not what the handler needs.
    outageAfter: 1000,
    handle: async ({ payload: step }, ctx) => {
      await leaveRow(ctx.tx, 'flaky', step)
      const fate = fateOf(seed, step.key, step.n)
      const fails =
        (fate === 'fails-once' && ctx.attempt === 1 && ctx.laterUsed === 0) ||
        (fate === 'fails-in-place' && ctx.laterUsed === 0) ||
        (fate === 'dead' && ctx.redrives === 0)
      if (fails) throw new Error(`Event ${step.n} of ${step.key} fails, as it should`)
    },
  })
  const booking = defineSubscription('booking', {
    events: Added,
    handle: async ({ payload: step }, { send }) => {
      await send(Book, step)
      trap.pass('sent')
    },
  })
  const reminders = defineSubscription('reminders', {
    events: Added,
    filter: ({ payload: { n } }) => hasReminder(n),
    handle: ({ payload: step }, { after }) => void after(5 + (step.n % 4) * 10, Remind, step),
  })
  const jobs = defineSubscription('jobs', {
    events: Added,
    filter: ({ payload: { n } }) => hasJob(n),
    handle: ({ payload: step }, { tx }) => tx.append(startTask(Job, step)),
  })
  return [rows, grouped, sharded, flaky, booking, reminders, jobs] as const
}

function worker(trap: Trap) {
  return defineWorker<typeof Job, SqlTransaction>(Job, async ({ payload: step }, { tx }) => {
    trap.pass('task-begun')
    await leaveRow(tx, 'job', step)
    trap.pass('task-worked')
    return JobFinished(step)
  })
}
