import { cpus, loadavg, release, totalmem, type } from 'node:os'

/** What figures of a machine mean nothing without. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly system: string
  readonly node: string
  readonly v8: string
  /** Averages over the last minute, before and after the run. */
  readonly load: readonly [number, number]
  readonly date: string
}

/** Facts about this machine; call the result when the run is over. */
export function observeMachine(): () => Machine {
  const before = loadavg()[0] ?? Number.NaN
  return () => ({
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    load: [before, loadavg()[0] ?? Number.NaN],
    date: new Date().toISOString().slice(0, 10),
  })
}
