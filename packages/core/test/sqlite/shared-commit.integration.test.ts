import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { sqlite, type AppendStep, type SqliteOptions, type SqliteStore } from '../../src/sqlite.ts'
import type { SqlTransaction } from '../../src/store/store.ts'
import { append, event, scratch } from './log-fixture.ts'

const together = { sharesCommit: true } as const

let folder: ReturnType<typeof scratch>
let store: SqliteStore
let steps: AppendStep[]
let strike: ((step: AppendStep) => void) | undefined

async function openWith(options: Partial<SqliteOptions> = {}): Promise<void> {
  store = sqlite({
    file: folder.path('log.db'),
    onStep(step) {
      steps.push(step)
      strike?.(step)
    },
    ...options,
  })
  await store.transaction(async (tx) => {
    await tx.sql`create table if not exists rows (n integer primary key, note text) strict`
  })
  steps = []
}

beforeEach(async () => {
  folder = scratch()
  steps = []
  strike = undefined
  await openWith()
})

afterEach(async () => {
  await store.close()
  folder.remove()
})

/** Time stands still: on a busy machine a shared commit may be over before the next one can join it. */
function standStill(): { readonly pass: (ms: number) => void } {
  let nowMs = performance.now()
  const now = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  onTestFinished(() => now.mockRestore())
  return { pass: (ms) => void (nowMs += ms) }
}

const write = (tx: SqlTransaction, n: number): Promise<unknown> =>
  tx.sql`insert into rows (n) values (${n})`

const put = (n: number): Promise<void> =>
  store.transaction(async (tx) => void (await write(tx, n)), together)

async function rows(): Promise<readonly number[]> {
  const found = await store.transaction(
    (tx) => tx.sql<{ n: number }>`select n from rows order by n`,
  )
  return found.map(({ n }) => n)
}

const commits = (): number => steps.filter((step) => step === 'after-commit').length

describe('transactions that share a commit', () => {
  it('are there with one wait for the disk, each answered when it is', async () => {
    standStill()
    const answers = [1, 2, 3, 4, 5].map(async (n) => {
      await put(n)
      expect(commits()).toBe(1)
    })
    await Promise.all(answers)
    expect(commits()).toBe(1)
    expect(await rows()).toEqual([1, 2, 3, 4, 5])
  })

  it('are at most 33 in one', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, n) => put(n)))
    expect(await rows()).toHaveLength(100)
    expect(commits()).toBeGreaterThanOrEqual(4)
  })

  it('fail alone: what another one did stays', async () => {
    const first = put(1)
    const failing = store.transaction(async (tx) => {
      await write(tx, 2)
      throw new Error('not this one')
    }, together)
    const answers = await Promise.allSettled([first, failing, put(1), put(3)])
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect(answers[1]).toMatchObject({ reason: { message: 'not this one' } })
    expect(answers[2]).toMatchObject({ reason: { name: 'SqlError' } })
    expect(await rows()).toEqual([1, 3])
  })

  it('are all taken back where one of them has the database take back everything, and say so', async () => {
    standStill()
    const before = put(1)
    const rollingBack = store.transaction(async (tx) => {
      await tx.sql`insert or rollback into rows (n) values (1)`
    }, together)
    const [first, second, third] = await Promise.allSettled([before, rollingBack, put(3)])
    expect(first).toMatchObject({ reason: { code: 'TIDINGS_STORE_FAILED', retryable: true } })
    expect(second.status).toBe('rejected')
    expect(third.status).toBe('fulfilled')
    expect(await rows()).toEqual([3])
  })

  it('all fail where the commit does, and nothing is stored', async () => {
    strike = (step) => {
      if (step === 'before-commit') throw new Error('the disk')
    }
    const answers = await Promise.allSettled([put(1), put(2), put(3)])
    for (const answer of answers) expect(answer).toMatchObject({ reason: { message: 'the disk' } })
    strike = undefined
    expect(await rows()).toEqual([])
    await put(4)
    expect(await rows()).toEqual([4])
  })

  it('are committed before whoever does not share begins, and none begins within it', async () => {
    standStill()
    const seen: number[] = []
    const before = [put(1), put(2)]
    const alone = store.transaction(async (tx) => {
      await write(tx, 3)
      seen.push(commits())
    })
    await Promise.all([...before, alone, put(4)])
    expect(seen).toEqual([1])
    expect(steps.filter((step) => step === 'begin')).toHaveLength(4)
    expect(commits()).toBe(3)
  })

  it('are committed with the first that appends: what the log says is there', async () => {
    const heard: number[] = []
    store.onCommitted(({ upTo }) => heard.push(upTo))
    const before = put(1)
    const failing = store.transaction(async (tx) => {
      await tx.append([append('A/2', 0)])
      throw new Error('taken back')
    }, together)
    const middle = put(2)
    const appending = store.transaction(
      async (tx) => void (await tx.append([append('A/1', 0)])),
      together,
    )
    const answers = await Promise.allSettled([before, failing, middle, appending, put(3)])
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
    expect(heard).toEqual([1])
    expect((await store.readAll().toArray()).map(({ aggregateId }) => aggregateId)).toEqual(['1'])
    expect(await rows()).toEqual([1, 2, 3])
  })

  it('say nothing of what the last of them appended and took back', async () => {
    const heard: unknown[] = []
    store.onCommitted((committed) => heard.push(committed))
    const first = put(1)
    const failing = store.transaction(async (tx) => {
      await tx.append([append('A/1', 0)])
      throw new Error('taken back')
    }, together)
    await Promise.allSettled([first, failing])
    expect(await rows()).toEqual([1])
    expect(heard).toEqual([])
    expect(await store.head()).toBe(0)
  })

  it('wait for nobody who has gone: they are committed when the next in line is cut off', async () => {
    const aborting = new AbortController()
    const first = store.transaction(async (tx) => {
      await write(tx, 1)
      aborting.abort(new Error('gone'))
    }, together)
    const gone = store.transaction(async (tx) => void (await write(tx, 2)), {
      ...together,
      signal: aborting.signal,
    })
    const [one, other] = await Promise.allSettled([gone, first])
    expect(one.status).toBe('rejected')
    expect(other.status).toBe('fulfilled')
    expect(await rows()).toEqual([1])
  })

  it('are committed by a close', async () => {
    const writing = [put(1), put(2), put(3)]
    await store.close()
    await Promise.all(writing)
    await openWith()
    expect(await rows()).toEqual([1, 2, 3])
  })

  it('are kept apart for a while after one that waited for something else', async () => {
    const time = standStill()
    const first = put(1)
    const slow = store.transaction(async (tx) => {
      await write(tx, 2)
      time.pass(30)
    }, together)
    await Promise.all([first, slow])
    expect(commits()).toBe(1)
    await Promise.all([put(3), put(4)])
    expect(commits()).toBe(3)
  })

  it('are none where a foreign key is checked at the commit: one would fail them all', async () => {
    await store.transaction(async (tx) => {
      await tx.sql`create table children (n integer references rows (n) deferrable initially deferred) strict`
    })
    steps = []
    const orphan = store.transaction(async (tx) => {
      await tx.sql`insert into children values (99)`
    }, together)
    const answers = await Promise.allSettled([put(1), orphan, put(2)])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await rows()).toEqual([1, 2])
  })
})

describe('what is known of a shared commit', () => {
  it('one whose transaction the database took back unseen is not answered by the commit of others', async () => {
    const { exec } = DatabaseSync.prototype
    const writers = new Set<DatabaseSync>()
    DatabaseSync.prototype.exec = function (sql) {
      if (sql === 'begin immediate') writers.add(this)
      return exec.call(this, sql)
    }
    try {
      // As SQLite does where a SELECT fails of the disk, whose error the handler has swallowed.
      const first = store.transaction(async (tx) => {
        await write(tx, 1)
        for (const writer of writers) exec.call(writer, 'rollback')
      }, together)
      const answers = await Promise.allSettled([first, put(2)])
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    } finally {
      DatabaseSync.prototype.exec = exec
    }
    expect(await rows()).toEqual([2])
  })

  it('those that fail in a row do not keep it open', async () => {
    let isAnswered = false
    const first = put(1).then(() => (isAnswered = true))
    const failing = Array.from({ length: 20 }, async (_, n) =>
      store.transaction(async (tx) => {
        await write(tx, 2)
        const startMs = performance.now()
        while (performance.now() - startMs < 6);
        if (n > 2) expect(isAnswered).toBe(true)
        throw new Error('in a row')
      }, together),
    )
    const answers = await Promise.allSettled(failing)
    await first
    for (const answer of answers) expect(answer).toMatchObject({ reason: { message: 'in a row' } })
    expect(commits()).toBe(1)
  })

  it('a name that was taken back with it is not remembered', async () => {
    const first = event('A/1')
    await store.append([append('A/1', 0, first)])
    const renamed = { ...first.envelope, eventType: 'Todo.Item.Renamed' }
    const repeat = (): Promise<void> =>
      store.transaction(
        async (tx) => void (await tx.append([append('A/1', 1, { ...first, envelope: renamed })])),
        together,
      )
    const failing = store.transaction.bind(store, async (tx) => {
      await tx.sql`select 1`
      throw new Error('mine')
    })
    strike = (step) => {
      if (step === 'before-commit') throw new Error('the disk')
    }
    await Promise.allSettled([repeat(), failing(together), repeat(), put(1)])
    strike = undefined
    await store.append([append('A/2', 0, event('A/2', { eventType: 'Todo.Item.Renamed' }))])
    const [read] = await store.readStream('A/2').toArray()
    expect(read?.eventType).toBe('Todo.Item.Renamed')
  })

  it('a temporary table whose key is checked at the commit keeps them apart too', async () => {
    await store.transaction(async (tx) => {
      await tx.sql`create temp table parents (n integer primary key)`
      await tx.sql`create temp table orphans (n integer references parents (n) deferrable initially deferred)`
    })
    const orphan = store.transaction.bind(store, async (tx) => {
      await tx.sql`insert into orphans values (99)`
    })
    const first = put(1)
    const answers = await Promise.allSettled([first, orphan(together), put(2)])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('one that cannot begin leaves no transaction behind', async () => {
    strike = (step) => {
      if (step !== 'begin') return
      strike = undefined
      throw new Error('at the begin')
    }
    await expect(put(1)).rejects.toThrow('at the begin')
    await put(2)
    expect(await rows()).toEqual([2])
  })
})

const plan = fc.record({
  shares: fc.boolean(),
  appends: fc.boolean(),
  statements: fc.integer({ min: 0, max: 3 }),
  end: fc.constantFrom(
    'well',
    'well',
    'well',
    'throws',
    'rolls everything back',
    'fails at the commit',
  ),
})
type Plan = typeof plan extends fc.Arbitrary<infer One> ? One : never

/** Row `n * 10` and those behind it, and a stream of its own. */
async function carryOut(n: number, { shares, appends, statements, end }: Plan): Promise<void> {
  await store.transaction(
    async (tx) => {
      for (let row = 0; row < statements; row++) {
        await write(tx, n * 10 + row)
        if (row === 1) await new Promise((resolve) => setImmediate(resolve))
      }
      if (appends) await tx.append([append(`A/${n}`, 0)])
      if (end === 'throws') throw new Error('thrown')
      if (end === 'rolls everything back')
        await tx.sql`insert or rollback into rows (n) values (-1)`
      if (end === 'fails at the commit') {
        strike = (step) => {
          if (step !== 'before-commit') return
          strike = undefined
          throw new Error('the disk')
        }
      }
    },
    { sharesCommit: shares },
  )
}

test('whatever transactions do beside each other: what was answered is stored whole, and nothing else', async () => {
  await put(-1)
  let base = 0
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 2, maxLength: 12 }), async (plans) => {
      const first = base
      base += plans.length
      const answers = await Promise.allSettled(
        plans.map((one, index) => carryOut(first + index, one)),
      )
      strike = undefined
      const wanted = plans.flatMap(({ statements }, index) =>
        answers[index]!.status === 'rejected'
          ? []
          : Array.from({ length: statements }, (_, row) => (first + index) * 10 + row),
      )
      expect((await rows()).filter((n) => n >= first * 10)).toEqual(wanted)
      for (const [index, { appends }] of plans.entries()) {
        const stream = await store.readStream(`A/${first + index}`).toArray()
        expect(stream).toHaveLength(appends && answers[index]!.status === 'fulfilled' ? 1 : 0)
      }
      for (const [index, { end }] of plans.entries()) {
        if (end === 'throws') expect(answers[index]!.status).toBe('rejected')
      }
    }),
    { numRuns: 150 },
  )
})
