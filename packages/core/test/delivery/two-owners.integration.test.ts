import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isTidingsError } from '../../src/errors/tidings-error.ts'
import { temporaryFile } from '../support/stores.ts'
import { castVotes, counted, startTally, type Tally, type TallyOptions } from '../support/tally.ts'

async function start(file: string, options: TallyOptions): Promise<Tally> {
  const tally = await startTally(file, options)
  onTestFinished(() => tally.app.close())
  return tally
}

describe('two processes redrive the same letter', () => {
  /** Votes 1 to 5, of which none could be counted. */
  async function startBoth(pollMs: number) {
    const file = temporaryFile()
    const isBroken = { now: true }
    const before = (): void => {
      if (isBroken.now) throw new Error('the counter is broken')
    }
    const owner = await start(file, { owner: 'one', before, pollMs })
    await castVotes(owner, 1, 5)
    await owner.app.delivery.caughtUp()
    const other = await start(file, { owner: 'two', before, pollMs })
    await expect.poll(() => other.app.delivery.subscriptions[0]?.reason).toBe('one owns it')
    expect(await owner.app.admin.subscription('tally')).toMatchObject({ deadLetters: 5 })
    isBroken.now = false
    return { owner, other }
  }

  const redrive = ({ app }: Tally, by: string) =>
    app.admin.request({ kind: 'redrive', subscription: 'tally', by, reason: 'mended' })
  const ended = async ({ app }: Tally, operationId: string): Promise<Record<string, number>> => {
    const { operation } = await app.admin.ended(operationId, { everyMs: 5 })
    expect(operation.state).toBe('done')
    return operation.result as Record<string, number>
  }

  test('one after the other, before either was carried out: the first moves them, the second finds none left', async () => {
    // The owner looks only when it is asked itself: both requests stand there by then.
    const { owner, other } = await startBoth(60_000)
    const first = await redrive(other, 'two')
    const second = await redrive(owner, 'one')
    expect([first, second].map(({ request }) => request['matched'])).toEqual([5, 5])
    expect(await ended(owner, first.operationId)).toMatchObject({ moved: 5, resolved: 5 })
    expect(await ended(other, second.operationId)).toMatchObject({
      moved: 0,
      resolved: 0,
      parkedAgain: 0,
    })
    expect((await counted(owner)).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
    const letters = await owner.app.admin.parked.list({})
    for (const { redrives, history, operationId } of letters) {
      expect({ redrives, operationId }).toEqual({ redrives: 1, operationId: first.operationId })
      expect(history.filter(({ what }) => what === 'redriven').map(({ by }) => by)).toEqual(['two'])
    }
  })

  test('at the same moment: whatever is let in, each letter is counted once, and the sums are true', async () => {
    const { owner, other } = await startBoth(5)
    const asked = await Promise.allSettled([
      ...[1, 2, 3].map(() => redrive(other, 'two')),
      ...[1, 2, 3].map(() => redrive(owner, 'one')),
    ])
    let resolved = 0
    for (const one of asked) {
      if (one.status === 'rejected') {
        // It came when the first was under way, or over.
        if (!isTidingsError(one.reason)) throw one.reason
        expect(one.reason.code).toBe('TIDINGS_NOTHING_PARKED')
        expect(one.reason.message).toMatch(/are being redriven|finished/)
        continue
      }
      const result = await ended(other, one.value.operationId)
      expect(result['resolved']).toBe(result['moved'])
      resolved += result['resolved'] ?? 0
    }
    expect(resolved).toBe(5)
    expect((await counted(owner)).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a handler that blocks the event loop for longer than its lease', () => {
  interface Blocked {
    readonly child: ChildProcess
    readonly said: string[]
    readonly says: (part: string) => Promise<void>
  }

  async function startBlocked(file: string, where: 'before' | 'after'): Promise<Blocked> {
    const script = fileURLToPath(new URL('blocked-process.ts', import.meta.url))
    const child = fork(script, [file, where, '5000'], {
      execArgv: ['--conditions=@tidings/source'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said: string[] = []
    child.on('message', (line) => void said.push(line as string))
    const says = (part: string): Promise<void> =>
      expect.poll(() => said.some((line) => line.includes(part)), { timeout: 20_000 }).toBe(true)
    await says('live')
    return { child, said, says }
  }

  test('before its first write: another process takes over, the write is refused, and it says so', async () => {
    const file = temporaryFile()
    const blocked = await startBlocked(file, 'before')
    const rescuer = await start(file, { owner: 'rescuer', leaseMs: 1500, pollMs: 20 })
    await castVotes(rescuer, 1, 1)
    // Its transaction is over before the next handler blocks: it would hold the file meanwhile.
    await expect.poll(async () => (await counted(rescuer)).length, { timeout: 20_000 }).toBe(1)
    await castVotes(rescuer, 2, 2)
    await blocked.says('blocked')
    await castVotes(rescuer, 3, 3)
    await expect
      .poll(() => rescuer.app.delivery.subscriptions[0]?.state, { timeout: 20_000 })
      .toBe('live')
    await castVotes(rescuer, 4, 4)
    await rescuer.app.delivery.caughtUp()
    await blocked.says('starting: ')
    // Whichever it meets first: its own write, or the renewal that comes too late.
    expect(blocked.said.find((line) => line.startsWith('starting: '))).toMatch(
      /'tally' is no longer owned under token 1: another process has taken it over.*Nothing was stored|The lease ran out before it was renewed/,
    )
    blocked.child.send('end')
    await once(blocked.child, 'exit')
    const votes = await counted(rescuer)
    expect(votes.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4])
    expect(votes.find(({ n }) => n === 2)?.by).toBe('rescuer')
    expect(await rescuer.app.admin.parked.list({})).toEqual([])
  })

  test('inside its transaction: nobody can take over while it holds the file, and nothing is done twice', async () => {
    const file = temporaryFile()
    const blocked = await startBlocked(file, 'after')
    const rescuer = await start(file, { owner: 'rescuer', leaseMs: 1500, pollMs: 20 })
    await castVotes(rescuer, 1, 3)
    await blocked.says('blocked')
    // It waits for the file, as everybody does.
    await castVotes(rescuer, 4, 4)
    const handled = async (): Promise<number> => (await counted(rescuer)).length
    await expect.poll(handled, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    blocked.child.send('end')
    await once(blocked.child, 'exit')
    await rescuer.app.delivery.caughtUp()
    expect((await counted(rescuer)).map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([
      1, 2, 3, 4,
    ])
    expect(await rescuer.app.admin.parked.list({})).toEqual([])
  })
})
