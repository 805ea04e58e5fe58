import { AppendRepeatedError, ConcurrencyError, EventIdConflictError } from 'tidings'
import { describe, expect, test } from 'vitest'
import { expecting, failureOf, useForeignLog } from './kit/foreign-log.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

const log = useForeignLog()

describe('a transaction of a pg client', () => {
  test('commits its rows and its events together, with a position of its COMMIT', async () => {
    const client = await log.begin()
    await client.query(`insert into ${log.schema}.orders values ('1')`)
    const [first, second] = [appendTo('1', makeEvent('1'), makeEvent('1')), expecting('2', 0)]
    await log.store.appendIn(client, [first, second])
    await log.store.appendIn(client, [expecting('1', 2)])
    await log.store.append([appendTo('other', makeEvent('other'))])
    expect(await log.store.head(), 'nothing is there before the COMMIT').toBe(1)
    await client.query('commit')
    const events = await log.store.readAll().toArray()
    expect(events.map(({ position, streamVersion }) => [position, streamVersion])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 1],
      [5, 3],
    ])
    expect(events.slice(1, 3).map(({ eventId, payload }) => [eventId, payload])).toEqual(
      first.events.map(({ envelope }) => [envelope.eventId, { by: 1 }]),
    )
    expect(await log.rowsOf('orders')).toBe(1)
    expect(await log.rowsOf('pending_appends')).toBe(0)
  })

  test('keeps key, topic, class, tenant, cause and time as an append does', async () => {
    const event = makeEvent('1')
    const full = {
      ...event,
      envelope: {
        ...event.envelope,
        causationId: event.envelope.eventId,
        metadata: { tenant: 't\n' },
      },
      metadataJson: JSON.stringify({ tenant: 't\n', note: '\u0001ü' }),
      topic: 'samples',
      key: 'k\u0001',
      class: 'work' as const,
    }
    const direct = {
      ...makeEvent('2'),
      ...full,
      envelope: { ...full.envelope, eventId: makeEvent('2').envelope.eventId },
    }
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', full)])
    await client.query('commit')
    await log.store.append([appendTo('1', direct)])
    const columns =
      'occurred_at, correlation_id, causation_id, event_version, schema, event_type, topic, class, stream, key, tenant, payload::text, metadata::text'
    const { rows } = await log.admin.query(
      `select ${columns} from ${log.schema}.event_log order by position`,
    )
    expect(rows).toHaveLength(2)
    expect(rows[0]).toEqual(rows[1])
    expect(rows[0]).toMatchObject({ class: 'w', key: 'k\u0001', tenant: 't\n' })
  })

  test('a version that is not there fails the COMMIT, and nothing is stored', async () => {
    await log.store.append([appendTo('1', makeEvent('1'))])
    const client = await log.begin()
    await client.query(`insert into ${log.schema}.orders values ('1')`)
    await log.store.appendIn(client, [expecting('2', 'any'), expecting('1', 'no-stream')])
    const error = await failureOf(client.query('commit'))
    expect(error).toBeInstanceOf(ConcurrencyError)
    expect(error).toMatchObject({
      stream: 'Sample.Counter/1',
      expected: 0,
      actual: 1,
      retryable: true,
    })
    expect([await log.rowsOf('orders'), await log.versionOf('2'), await log.store.head()]).toEqual([
      0, 0, 1,
    ])
  })

  test('a stream whose events were all deleted is at the version that it had', async () => {
    await log.store.append([appendTo('1', makeEvent('1'), makeEvent('1'))])
    await log.store.append([appendTo('end', makeEvent('end'))])
    const choice = { before: '2100-01-01T00:00:00.000Z', streams: ['Sample.Counter/1'] }
    const due = await log.store.retention.due(choice, { limit: 10 })
    expect(await log.store.retention.remove(choice, due)).toBe(2)
    const client = await log.begin()
    await log.store.appendIn(client, [expecting('1', 'no-stream')])
    expect(await failureOf(client.query('commit'))).toMatchObject({ expected: 0, actual: 2 })
    await client.query('begin')
    await log.store.appendIn(client, [expecting('1', 2)])
    await client.query('commit')
    const kept = await log.store.readStream('Sample.Counter/1').toArray()
    expect(kept.map(({ streamVersion }) => streamVersion)).toEqual([3])
  })

  test('a stream that must exist', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [expecting('1', 'stream-exists')])
    expect(await failureOf(client.query('commit'))).toMatchObject({
      expected: 'stream-exists',
      actual: 0,
    })
  })

  test('of two with the same expected version one wins', async () => {
    const clients = [await log.begin(), await log.begin()]
    for (const client of clients) await log.store.appendIn(client, [expecting('1', 0)])
    const ended = await Promise.all(clients.map((client) => failureOf(client.query('commit'))))
    expect(ended.filter((end) => end instanceof ConcurrencyError)).toHaveLength(1)
    expect(await log.versionOf('1')).toBe(1)
  })

  test('the same events a second time: it was committed before', async () => {
    const append = appendTo('1', makeEvent('1'), makeEvent('1'))
    for (const again of [false, true]) {
      const client = await log.begin()
      await client.query(`insert into ${log.schema}.orders values ('${again}')`)
      await log.store.appendIn(client, [append])
      const end = await failureOf(client.query('commit'))
      if (again) expect(end).toBeInstanceOf(AppendRepeatedError)
    }
    expect([await log.rowsOf('orders'), await log.versionOf('1')]).toEqual([1, 2])
  })

  test('an id that is elsewhere', async () => {
    const event = makeEvent('1')
    await log.store.append([appendTo('1', event)])
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('2', makeEvent('2', event.envelope.eventId))])
    const error = await failureOf(client.query('commit'))
    expect(error).toBeInstanceOf(EventIdConflictError)
    expect(error).toMatchObject({ foundStream: 'Sample.Counter/1', stream: 'Sample.Counter/2' })
  })

  test('a rollback leaves nothing, and one to a savepoint only what was before it', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
    await client.query('savepoint here')
    await log.store.appendIn(client, [appendTo('2', makeEvent('2'))])
    await client.query('rollback to savepoint here')
    await log.store.appendIn(client, [expecting('1', 1)])
    await client.query('commit')
    expect([await log.versionOf('1'), await log.versionOf('2')]).toEqual([2, 0])
    await client.query('begin')
    await log.store.appendIn(client, [appendTo('3', makeEvent('3'))])
    await client.query('rollback')
    expect([await log.versionOf('3'), await log.rowsOf('pending_appends')]).toEqual([0, 0])
  })

  test('a client that is killed leaves nothing, and holds nobody up', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await log.admin.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await expect(client.query('commit')).rejects.toThrow()
    await log.store.append([expecting('1', 0)])
    expect([await log.versionOf('1'), await log.rowsOf('pending_appends')]).toEqual([1, 0])
  })

  test('one that waits ten seconds before its COMMIT stalls nobody', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [expecting('late', 0)])
    const other = await log.begin()
    let isWaiting = true
    const waiting = client.query('select pg_sleep(10)').then(() => {
      isWaiting = false
    })
    for (let n = 0; n < 50; n++) await log.store.append([appendTo('other', makeEvent('other'))])
    await log.store.appendIn(other, [appendTo('other', makeEvent('other'))])
    await other.query('commit')
    expect(await log.versionOf('other')).toBe(51)
    expect(isWaiting, 'all that while it waited').toBe(true)
    await waiting
    await client.query('commit')
    const [late] = await log.store.readStream('Sample.Counter/late').toArray()
    expect(late?.position).toBe(52)
  })

  test('takes the lock of the log after all that the transaction still has to do', async () => {
    await log.admin.query(`
      create table ${log.schema}.seen (locks integer);
      create function ${log.schema}.see() returns trigger language plpgsql as $$ begin
        insert into ${log.schema}.seen select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
        return null;
      end $$;
      create constraint trigger see after insert on ${log.schema}.orders deferrable initially deferred
        for each row execute function ${log.schema}.see()`)
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
    await client.query(`insert into ${log.schema}.orders values ('1')`)
    await client.query('commit')
    const { rows } = await log.admin.query(`select locks from ${log.schema}.seen`)
    expect(rows).toEqual([{ locks: 0 }])
    expect(await log.versionOf('1')).toBe(1)
  })

  test('wakes who waits in another process, by a message of its COMMIT', async () => {
    const heard: (string | undefined)[] = []
    const listener = await log.connect()
    listener.on('notification', ({ payload }) => heard.push(payload))
    await listener.query(`listen ${log.schema}`)
    const waiting = log.open().waitBeyond(0)
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
    await client.query('commit')
    await waiting
    await expect.poll(() => heard).toEqual(['1'])
  })

  test.each(['repeatable read', 'serializable'])('in %s it is as far as it saw', async (level) => {
    const seen = await log.begin(level)
    await seen.query('select 1')
    await log.store.appendIn(seen, [appendTo('1', makeEvent('1'))])
    await seen.query('commit')
    expect(await log.versionOf('1')).toBe(1)

    const stale = await log.begin(level)
    await stale.query(`select count(*) from ${log.schema}.orders`)
    await log.store.append([appendTo('1', makeEvent('1'))])
    await log.store.appendIn(stale, [expecting('1', 'any')])
    expect(await failureOf(stale.query('commit'))).toMatchObject({ code: '40001' })
    expect(await log.versionOf('1')).toBe(2)
    const again = await log.begin(level)
    await log.store.appendIn(again, [expecting('1', 2)])
    await again.query('commit')
    expect(await log.versionOf('1')).toBe(3)
  })

  test('cannot be prepared in two phases, which would keep the lock of the log', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
    const prepared = client.query("prepare transaction 'foreign'")
    // 55000 where the server has no such transactions at all.
    await expect(prepared).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:0A000|55000)$/) as unknown,
    })
    await log.store.append([appendTo('1', makeEvent('1'))])
    expect(await log.versionOf('1')).toBe(1)
  })

  test('positions rise in the order of commits, whoever commits', async () => {
    const seen: string[] = []
    const writing = new AbortController()
    const reading = (async () => {
      for (let after = 0, last = false; !last;) {
        last = writing.signal.aborted
        for await (const { eventId, position } of log.store.readAll({ after, pageSize: 5 })) {
          seen.push(eventId)
          after = position
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const write = async (name: string): Promise<void> => {
      const client = await log.connect()
      for (let n = 0; n < 25; n++) {
        await client.query('begin')
        await log.store.appendIn(client, [
          appendTo(name, makeEvent(name)),
          appendTo('all', makeEvent('all')),
        ])
        await client.query(n % 10 === 9 ? 'rollback' : 'commit')
        await log.store.append([appendTo(name, makeEvent(name))])
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(write))
    writing.abort()
    await reading
    const stored = await log.store.readAll().toArray()
    expect(stored).toHaveLength(4 * (23 * 2 + 25))
    expect(seen).toEqual(stored.map(({ eventId }) => eventId))
    expect(await Array.fromAsync(log.store.catalog.verify())).toEqual([])
  })
})
