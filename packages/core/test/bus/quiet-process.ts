/**
 * Publishes a lot, says `quiet`, and then has everything collected again and again. With
 * `--trace-deopt` V8 says on the same output which code it throws away.
 */
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { settle } from '../support/fake-clock.ts'
import { CounterCompleted, CounterUpdated } from '../support/counter.ts'

const ENOUGH_TO_OPTIMISE = 100_000
/** Shapes outlive the first full collections that find none of them. */
const COLLECTIONS = 6

/** What becomes of code for a shape that nobody keeps. */
class PlantedShape {
  readonly one: number
  readonly two: number

  constructor(n: number) {
    this.one = n
    this.two = n
  }
}

function readPlanted(shape: PlantedShape): number {
  return shape.one + shape.two
}

const bus = createEventBus()
let seen = 0
bus.subscribe(CounterUpdated, () => void seen++)
bus.subscribe(CounterCompleted, async () => {
  // oxlint-disable-next-line typescript/await-thenable -- the least that a handler can wait for
  await undefined
  seen++
})

async function publishAll(): Promise<void> {
  for (let n = 0; n < ENOUGH_TO_OPTIMISE; n++) {
    await bus.publish(CounterUpdated({ counterId: 'one', by: 1 }))
    await bus.publish(CounterCompleted({ counterId: 'one' }))
  }
}

function readAll(): number {
  let sum = 0
  for (let n = 0; n < 20 * ENOUGH_TO_OPTIMISE; n++) sum += readPlanted(new PlantedShape(n))
  return sum
}

await publishAll()
if (readAll() === 0) throw new Error('nothing was read')
if (seen !== 2 * ENOUGH_TO_OPTIMISE) throw new Error(`${seen} events were handled`)
await settle()
console.log('quiet')
for (let n = 0; n < COLLECTIONS; n++) {
  globalThis.gc?.()
  await settle()
}
