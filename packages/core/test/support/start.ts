import { onTestFinished } from 'vitest'
import { bootstrap, type BootstrapOptions } from '../../src/bootstrap/bootstrap.ts'
import type { Failure } from '../../src/bootstrap/failure.ts'
import type { AppOf } from '../../src/bootstrap/app.ts'
import type { AnyModule } from '../../src/contract/define-module.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { StoreTransaction } from '../../src/store/store.ts'
import { counterModule } from './counter.ts'

export type CounterApp = AppOf<readonly [typeof counterModule]>

/** The sample application, closed when the test ends; a failure that nobody expects fails the test. */
export async function startCounter(
  options: Partial<BootstrapOptions<StoreTransaction, readonly AnyModule[]>> = {},
): Promise<CounterApp> {
  const app = (await bootstrap({
    store: options.store ?? memoryStore(),
    modules: [counterModule],
    onFailure: failTest,
    // It has no subscriptions, and sets no timers: what looks for them would be in the way of counted sleeps.
    delivery: { run: false },
    ...options,
  } as BootstrapOptions<StoreTransaction, readonly [typeof counterModule]>)) as CounterApp
  onTestFinished(() => app.close())
  return app
}

function failTest(failure: Failure): void {
  // A throw would only be reported: what was committed must not fail by its owner.
  void Promise.reject(
    new Error('A failure came that the test does not expect.', { cause: failure.error }),
  )
}
