import type { DatabaseSync } from 'node:sqlite'

/**
 * Fills an empty log with events by SQL alone, many times as fast as by appends: streams of ten
 * events, seven types and a rare one (every 5000th event, in streams of its own), three tenants and
 * none, two topics and none, event times a second apart. Their ids are `id-000000000` and so on.
 */
export function generateLog(db: DatabaseSync, events: number): void {
  db.exec('begin')
  db.exec(`insert into event_types (id, name)
    select value, iif(value = 8, 'Shop.Order.Disputed', 'Todo.Item.Step' || value || 'Done')
    from json_each('[1,2,3,4,5,6,7,8]')`)
  db.exec("insert into topics (id, name) values (1, 'todos'), (2, 'orders')")
  db.prepare(
    `with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ?)
     insert into event_log (stream, version, event_id, event_type, event_version, topic, tenant, class,
       correlation_id, occurred_at, recorded_at, payload, metadata)
     select printf('%s/%08d', iif(i % 5000 = 4999, 'Shop.Order', 'Todo.Item'), i / 10 + iif(i % 5000 = 4999, 90000000, 0)),
       iif(i % 5000 = 4999, 1, i % 10 + 1), printf('id-%09d', i), iif(i % 5000 = 4999, 8, i % 7 + 1), 1 + (i % 3 = 0),
       iif(i % 5000 = 4999, 2, nullif(i % 2, 0)), nullif('t' || (i % 4), 't0'), 'f',
       printf('corr-%09d', i / 20), 1700000000000 + i * 1000, 1700000000000 + i * 1000, json_object('n', i), null
     from n`,
  ).run(events)
  db.exec('commit')
}
