import { postgres } from '@tidings/postgres'
import type { SqlTransaction, Store } from 'tidings'
import { sqlite } from 'tidings/sqlite'

/**
 * Opens a log by its address. All that is different between one process on a file and many on a server
 * is here.
 *
 * @param address `sqlite:FILE` or `postgres://…`
 */
export function openLog(address: string): Store<SqlTransaction> {
  if (address.startsWith('sqlite:')) return sqlite(address.slice('sqlite:'.length))
  return postgres({ connection: address })
}
