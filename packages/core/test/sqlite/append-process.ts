import { once } from 'node:events'

import { ConcurrencyError } from '../../src/errors/store-errors.ts'
import { sqlite } from '../../src/sqlite.ts'
import { append } from './log-fixture.ts'

/** Told to go, appends to a stream of its own and, against the others, to one of all. */
const [file = '', name = '', count = ''] = process.argv.slice(2)
const store = sqlite({ file, busyLimitMs: 30_000, maxUnindexed: 20 })
await store.open()
process.send?.('ready')
await once(process, 'message')
let won = 0
for (let index = 0; index < Number(count); index++) {
  const [own, shared] = await Promise.allSettled([
    store.append([append(`Own/${name}`, index)]),
    store.append([append('Shared/1', index)]),
  ])
  if (own.status === 'rejected') throw own.reason
  if (shared.status === 'fulfilled') won++
  else if (!(shared.reason instanceof ConcurrencyError)) throw shared.reason
}
const own = await store.readStream(`Own/${name}`).toArray()
await store.close()
process.send?.({ won, own: own.length }, () => process.disconnect())
