import { randomUUID } from 'node:crypto'
import type { Bench, Running, Variant } from './harness/bench.ts'
import { scaled } from './harness/bench.ts'
import { importPeer } from './harness/peers.ts'
import { deriveId, newId } from '../packages/core/src/internal/ids.ts'
import { toIsoTime } from '../packages/core/src/internal/time.ts'
import { createMinimalV7 } from './twins/minimal-v7.ts'

const COUNT = 1_000_000

/** Makes many and uses each: a result that nobody reads would be optimised away. */
function loop(make: (n: number) => string, count: number): Running {
  let seen = 0
  return {
    sample() {
      for (let n = 0; n < count; n++) seen += make(n).length
      if (seen === 0) throw new Error('nothing was made')
      return { count }
    },
  }
}

function variant(name: string, make: () => (n: number) => string): Variant {
  return { name, start: ({ scale }) => loop(make(), scaled(COUNT, scale)) }
}

const cause = '01934c5e-7b00-7000-8000-0123456789ab'
const start = Date.UTC(2026, 10, 21)

export const bench: Bench = {
  name: 'ids',
  summary: 'making ids and times, against a generator reduced to the minimum, Node and uuid',
  clock: 'cpu',
  shows: 'time',
  unit: 'call',
  rounds: 15,
  warmups: 3,
  variants: [
    variant('newId', () => newId),
    variant('minimal v7 generator', createMinimalV7),
    variant('crypto.randomUUID', () => () => randomUUID()),
    {
      name: 'uuid package, v7',
      needsPeers: true,
      informative: true,
      async start({ scale }) {
        const { v7 } = await importPeer<{ v7: () => string }>('uuid-newest')
        return loop(() => v7(), scaled(COUNT / 10, scale))
      },
    },
    {
      name: 'deriveId (cause, rule, attempt)',
      informative: true,
      start: ({ scale }) =>
        loop((n) => deriveId(start + n, cause, 'theme-requested', 1), scaled(COUNT / 10, scale)),
    },
    variant('toIsoTime', () => (n) => toIsoTime(start + n * 37)),
    variant('Date.toISOString', () => (n) => new Date(start + n * 37).toISOString()),
  ],
  goals: [
    { kind: 'ratio', variant: 'newId', reference: 'minimal v7 generator', atMost: 1.5 },
    { kind: 'ratio', variant: 'toIsoTime', reference: 'Date.toISOString', atMost: 0.5 },
  ],
  notes: [
    'The minimal generator reads the clock and makes a monotone v7 (18-bit counter, random tail drawn once a millisecond) and does nothing else: no borrowed milliseconds, no clock that steps back.',
  ],
}
