import pg from 'pg'

/**
 * Copies what is in one log into another that is empty, as a dump and its restoring do: rows as they are
 * at one moment, and where the numbers of each table go on.
 */
export async function copySchema(url: string, from: string, to: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query('begin isolation level repeatable read')
    const { rows } = await client.query<{ name: string; columns: string; counted: string | null }>(
      `select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
         max(a.attname) filter (where a.attidentity <> '') as counted
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' and c.relname <> 'schema_version'
       group by c.relname`,
      [from],
    )
    for (const { name, columns, counted } of rows) {
      await client.query(
        `insert into ${to}.${name} (${columns}) overriding system value select ${columns} from ${from}.${name}`,
      )
      if (counted === null) continue
      const sequence = (schema: string) =>
        `pg_get_serial_sequence('${schema}.${name}', '${counted}')`
      const { rows } = await client.query<{ last: string | null }>(
        `select pg_sequence_last_value(${sequence(from)}::regclass) as last`,
      )
      if (rows[0]?.last != null)
        await client.query(`select setval(${sequence(to)}, $1)`, [rows[0].last])
    }
    await client.query('commit')
  } finally {
    await client.end()
  }
}
