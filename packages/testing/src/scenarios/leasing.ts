import assert from 'node:assert/strict'
import type { Lease, Store } from 'tidings'
import { scenario } from './expectations.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const TTL_MS = 60_000

/** Fails when nobody has got it. */
async function acquired(store: Store, owner: string, name = 'mail'): Promise<Lease> {
  const lease = await store.leases.acquire(name, owner, TTL_MS)
  if (lease === undefined)
    return assert.fail(`'${owner}' must get the lease '${name}', which is free`)
  return lease
}

async function holdAlone({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const { leases } = store
  assert.equal(await leases.find('mail'), undefined)
  const before = clock.now()
  const lease = await acquired(store, 'a')
  const { name, owner, token } = lease
  assert.deepEqual({ name, owner }, { name: 'mail', owner: 'a' })
  assert.ok(token >= 1)
  const expiresMs = Date.parse(lease.expiresAt)
  assert.ok(expiresMs >= Math.floor(before) + TTL_MS && expiresMs <= clock.now() + TTL_MS)
  assert.equal(await leases.acquire('mail', 'b', TTL_MS), undefined, 'somebody holds it')
  assert.equal(await leases.acquire('mail', 'a', TTL_MS), undefined, 'its own holder too')
  assert.deepEqual(await leases.find('mail'), lease)
  await acquired(store, 'b', 'push')
  assert.deepEqual(
    (await leases.list()).map((each) => each.name),
    ['mail', 'push'],
  )
}

async function raiseTokens({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const first = await acquired(store, 'a')
  await store.leases.release(first)
  assert.equal(await store.leases.find('mail'), undefined, 'released at once')
  assert.deepEqual(await store.leases.list(), [])
  const second = await acquired(store, 'b')
  assert.ok(second.token > first.token, 'over a release')
  clock.shift(TTL_MS)
  const third = await acquired(store, 'a')
  assert.ok(third.token > second.token, 'over an expiry')
  const other = await acquired(store, 'a', 'push')
  await store.leases.release(third)
  await store.leases.release(other)
  const fourth = await acquired(store, 'c')
  assert.ok(fourth.token > third.token)
}

async function expire({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const lease = await acquired(store, 'a')
  clock.shift(TTL_MS - 5000)
  assert.equal(await store.leases.acquire('mail', 'b', TTL_MS), undefined, '5 s too early')
  clock.shift(5000)
  assert.deepEqual(await store.leases.find('mail'), lease, 'one that has run out is still there')
  assert.deepEqual(await store.leases.list(), [lease])
  const next = await acquired(store, 'b')
  assert.deepEqual(await store.leases.find('mail'), next)
  assert.equal(await store.leases.renew(lease, TTL_MS), undefined, 'somebody else has it')
  await store.leases.release(lease)
  assert.deepEqual(
    await store.leases.find('mail'),
    next,
    'a release by the one before frees nothing',
  )
}

async function renew({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const { leases } = store
  const lease = await acquired(store, 'a')
  clock.shift(TTL_MS / 2)
  const renewed = await leases.renew(lease, TTL_MS)
  assert.equal(renewed?.token, lease.token, 'the same lease')
  assert.ok(Date.parse(renewed.expiresAt) - Date.parse(lease.expiresAt) >= TTL_MS / 2)
  clock.shift(TTL_MS / 2)
  assert.equal(await leases.acquire('mail', 'b', TTL_MS), undefined, 'it goes on')
  clock.shift(TTL_MS)
  const late = await leases.renew(lease, TTL_MS)
  assert.equal(late?.token, lease.token, 'late, but nobody has taken it meanwhile')
  assert.equal(await leases.acquire('mail', 'b', TTL_MS), undefined)
  await leases.release(lease)
  assert.equal(await leases.renew(lease, TTL_MS), undefined, 'nobody has it since it was released')
  assert.equal(await leases.find('mail'), undefined, 'and that has not taken it')
  await leases.release(lease)
  const never = { ...lease, name: 'never' }
  assert.equal(await leases.renew(never, TTL_MS), undefined)
  await leases.release(never)
  assert.deepEqual(await leases.list(), [])
}

async function stepBack({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const lease = await acquired(store, 'a')
  clock.shift(-3_600_000)
  assert.equal(await store.leases.acquire('mail', 'b', TTL_MS), undefined, 'it lasts the longer')
  const renewed = await store.leases.renew(lease, TTL_MS)
  assert.ok(
    (renewed?.expiresAt ?? 'never') < lease.expiresAt,
    'a renewal goes by the clock as it is',
  )
  clock.shift(TTL_MS)
  const next = await acquired(store, 'b')
  assert.ok(next.token > lease.token)
}

async function race({ open, clock }: StoreHarness): Promise<void> {
  const stores = [await open(), await open()]
  const tokens: number[] = []
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        (stores[n % 2] as Store).leases.acquire('mail', `owner-${n}`, TTL_MS),
      ),
    )
    const held = answers.filter((answer) => answer !== undefined)
    assert.equal(held.length, 1, 'one of them has it')
    const [lease] = held as [Lease]
    tokens.push(lease.token)
    for (const store of stores) assert.deepEqual(await store.leases.find('mail'), lease)
    if (round % 2 === 0) await (stores[round % 4 === 0 ? 1 : 0] as Store).leases.release(lease)
    else clock.shift(TTL_MS)
  }
  assert.deepEqual(
    tokens,
    [...new Set(tokens)].sort((a, b) => a - b),
    'tokens rise',
  )
}

async function listAll({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  for (const name of ['z', 'a', '🚀', '�', 'B']) await acquired(store, 'a', name)
  await store.leases.release((await store.leases.find('z')) as Lease)
  clock.shift(2 * TTL_MS)
  await acquired(store, 'b', 'a')
  assert.deepEqual(
    (await store.leases.list()).map(({ name, owner }) => `${name}:${owner}`),
    ['B:a', 'a:b', '�:a', '🚀:a'],
    'in order of name, those that have run out included, without those that were released',
  )
}

/** The right to do something alone. */
export const leasingScenarios: readonly Scenario[] = [
  scenario('H20', 'a lease has one holder', holdAlone),
  scenario('H21', 'tokens rise with each holder, also over a release', raiseTokens),
  scenario('H22', 'a lease runs out by the clock of the store, and is then free', expire),
  scenario('H23', 'a holder renews, also late, unless somebody else came or it let go', renew),
  scenario('H24', 'a clock that steps back frees nothing', stepBack),
  scenario('H25', 'of two instances that want a lease at once, one gets it', race, {
    needs: ['shared'],
  }),
  scenario('H26', 'the leases that somebody holds, or held last, in order of name', listAll),
]
