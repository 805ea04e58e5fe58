import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredEnvelope } from '../../src/contract/envelope.ts'
import { Groups, markFailed, type Group } from '../../src/delivery/groups.ts'
import { makeItem, toEvent, type Item } from '../../src/delivery/item.ts'
import { Lanes } from '../../src/delivery/lanes.ts'
import { ParkedIndex } from '../../src/delivery/parked-index.ts'
import { GroupFailure } from '../../src/delivery/attempt-group.ts'

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('add' as const),
      keys: fc.array(key, { maxLength: 10 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('take' as const) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('end' as const), fails: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('ask' as const), key }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('giveBack' as const), key }) },
)
/** Long ones: to lie in lanes, to be straight again and to have something wait then takes many steps. */
const steps = fc.array(step, { maxLength: 60, size: 'max' })
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

function makeOne(position: number, ofKey: string): Item {
  const event = { eventId: `${position}`, position } as StoredEnvelope
  const care = { isWatched: false, isAlone: false, readMs: 0 }
  return makeItem(event, { kind: 'handle', event, key: ofKey }, care)
}

/** Drives groups as a dispatcher does: one at a time, those that go alone beside none. */
class Driver {
  readonly lanes = new Lanes<Item>(({ stored }) => stored.position)
  readonly groups: Groups
  readonly items: Item[] = []
  readonly done: Item[] = []
  readonly asked = new Set<string>()
  under: Group | undefined

  constructor(rate: number) {
    this.groups = new Groups({ lanes: this.lanes, index: new ParkedIndex([]), rate })
  }

  get open(): readonly Item[] {
    return this.items.filter((item) => !item.isDone)
  }

  run(what: Step): void {
    if (what.what === 'add') for (const one of what.keys) this.#add(one)
    if (what.what === 'take') this.take()
    if (what.what === 'end') this.end(what.fails)
    if (what.what === 'ask') this.#ask(what.key)
    if (what.what === 'giveBack' && this.asked.delete(what.key)) this.lanes.release(what.key)
    this.#checkCount()
  }

  #checkCount(): void {
    const held = this.under?.items.length ?? 0
    expect(this.lanes.size + this.groups.waiting + held).toBe(this.open.length)
  }

  #add(ofKey: string): void {
    const item = makeOne(this.items.length + 1, ofKey)
    this.items.push(item)
    this.groups.add(item)
  }

  #ask(ofKey: string): void {
    this.groups.lay()
    const isUnderWay = this.under?.items.some(({ plan }) => plan.key === ofKey) ?? false
    expect(this.lanes.takeKey(ofKey)).toBe(!isUnderWay && !this.asked.has(ofKey))
    if (!isUnderWay) this.asked.add(ofKey)
  }

  take(): void {
    if (this.under !== undefined || (!this.lanes.hasReady && this.groups.waiting === 0)) return
    const group = this.groups.take()
    if (group.items.length === 0) return this.#runAlone(group.alone ?? this.lanes.take()!)
    this.under = group
    this.#checkOrder(group)
  }

  #runAlone(ofKey: string): void {
    const item = this.lanes.next(ofKey)!
    expect(item).toBe(this.open.find(({ plan }) => plan.key === ofKey))
    item.isDone = true
    this.done.push(item)
    this.lanes.release(ofKey)
  }

  /** In the order of the log; of each key the oldest that is not done, and those right behind it. */
  #checkOrder({ items, firsts }: Group): void {
    const positions = items.map(({ stored }) => stored.position)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    const chains = firsts.map((first) => {
      const chain = [first]
      while (chain.at(-1)!.next !== undefined) chain.push(chain.at(-1)!.next!)
      return chain
    })
    expect(chains.flat()).toHaveLength(items.length)
    expect(new Set(chains.flat())).toEqual(new Set(items))
    for (const chain of chains) {
      const ofKey = this.open.filter(({ plan }) => plan.key === chain[0]!.plan.key)
      expect(ofKey.slice(0, chain.length)).toEqual(chain)
      expect(this.asked.has(chain[0]!.plan.key)).toBe(false)
    }
  }

  /** @param fails which of the group, where it is as large */
  end(fails: number): void {
    const group = this.under
    if (group === undefined) return
    this.under = undefined
    const failed = fails < 3 ? group.items[fails] : undefined
    if (failed !== undefined) {
      markFailed(group.items, new GroupFailure(new Set([toEvent(failed)])))
      return this.groups.ended(group, false)
    }
    this.done.push(...group.items)
    this.groups.ended(group, true)
  }

  finish(): void {
    for (const one of this.asked) this.lanes.release(one)
    this.asked.clear()
    while (this.open.length > 0) {
      this.take()
      this.end(9)
      this.#checkCount()
    }
  }
}

test('groups take each event once, those of a key in order, whoever asks for a key and whatever fails', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 2, max: 5 }), (all, rate) => {
      const driver = new Driver(rate)
      for (const one of all) driver.run(one)
      driver.finish()
      expect(new Set(driver.done).size).toBe(driver.items.length)
      expect(driver.done).toHaveLength(driver.items.length)
    }),
    { numRuns: 300 },
  )
})
