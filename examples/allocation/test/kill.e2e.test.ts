import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { openTestLog, testAddress } from '../../support/test-log.ts'
import { allocationsOf } from '../src/allocations-view.ts'
import { startApp, type AllocationApp } from '../src/app.ts'
import { Product } from '../src/stock/product.ts'
import { fakeMail } from './support/fake-mail.ts'
import { temporaryFolder } from './support/files.ts'
import { settled } from './support/settled.ts'

const CHILD = join(import.meta.dirname, 'support/kill.child.ts')
const orders = Array.from({ length: 10 }, (_, index) => `o${index + 1}`)

async function runToDeath(address: string, mails: string, step: string): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--conditions=@tidings/source', CHILD, address, mails, step],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [output, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect([output, signal]).toEqual([`at ${step}\n`, 'SIGKILL'])
}

/** Where each order's line is, as the read model says it. */
async function viewOf(app: AllocationApp): Promise<Map<string, string>> {
  const rows = await Promise.all(
    orders.map(async (orderId) => {
      const [row] = await allocationsOf(app.store, orderId)
      return row === undefined ? [] : [[orderId, row.batchRef] as const]
    }),
  )
  return new Map(rows.flat())
}

/** How often each order is in an event of this type. */
async function counts(app: AllocationApp, type: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for await (const { payload } of app.store.query({ types: [type] })) {
    const { orderId } = payload as { readonly orderId: string }
    found[orderId] = (found[orderId] ?? 0) + 1
  }
  return found
}

/** Keys of mails that left before the kill. */
function mailsOf(file: string): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').trim().split('\n')
}

test.each(['changed 1', 'reallocated 1', 'reallocated 4', 'reallocated 10', 'mailed 1'])(
  'killed at "%s", it loses no order line and allocates none twice',
  async (step) => {
    const address = await testAddress()
    const mails = join(temporaryFolder(), 'mails')
    await runToDeath(address, mails, step)

    const mail = fakeMail()
    const app = await startApp({ store: openTestLog(address), mail })
    onTestFinished(() => app.close())
    await settled(app)

    // Eighty pieces of room for a hundred: eight lines have a batch again, two are reported.
    const { state } = await app.store.load(Product, 'LAMP')
    const lines = state.batches.map(({ lines }) => lines.map(({ orderId }) => orderId))
    expect(lines.map(({ length }) => length)).toEqual([0, 5, 3])
    const allocated = new Set(lines.flat())
    const missing = orders.filter((orderId) => !allocated.has(orderId))
    expect(Object.keys(await counts(app, 'OutOfStock')).toSorted()).toEqual(missing.toSorted())
    expect(await counts(app, 'Deallocated')).toEqual(Object.fromEntries(orders.map((o) => [o, 1])))
    expect(await counts(app, 'Allocated')).toEqual(
      Object.fromEntries(orders.map((order) => [order, allocated.has(order) ? 2 : 1])),
    )

    const view = await viewOf(app)
    expect(view).toEqual(
      new Map(
        state.batches.flatMap(({ ref, lines }) => lines.map(({ orderId }) => [orderId, ref])),
      ),
    )
    // A mail may have left twice, but under one key: whoever sends it for us drops the second.
    const subjects = new Set([
      ...mailsOf(mails).map((line) => line.slice(line.indexOf(' ') + 1)),
      ...mail.subjects,
    ])
    expect([...subjects].toSorted()).toEqual(
      missing.map((order) => `Out of stock: 10 × LAMP for order ${order}`).toSorted(),
    )
    expect(await app.admin.parked.count({})).toBe(0)
  },
)
