import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { buildCli, cliFile } from './harness/cli.ts'
import { seedLog } from './workload/seed-log.ts'

const log = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'log.db')

/** Starts a program again and again, one at a time, and waits for its end. */
function starting(name: string, words: (setting: Setting) => readonly string[]): Variant {
  return {
    name,
    start(setting): Running {
      const count = scaled(5, setting.scale)
      const args = words(setting)
      return {
        sample() {
          for (let n = 0; n < count; n++) run(args)
          return { count }
        },
      }
    },
  }
}

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr.slice(0, 1000)}`)
}

const verb =
  (...words: readonly string[]) =>
  (setting: Setting): readonly string[] => [cliFile, ...words, '--store', `sqlite:${log(setting)}`]

export const bench: Bench = {
  name: 'startup',
  summary: 'starting a verb of the command line, against a bare node',
  clock: 'wall',
  shows: 'time',
  unit: 'start',
  spawns: true,
  rounds: 11,
  warmups: 2,
  variants: [
    starting('node', () => ['-e', '0']),
    starting('tidings --version', () => [cliFile, '--version']),
    starting('tidings --help', () => [cliFile, '--help']),
    starting('tidings types', verb('types')),
    starting('tidings events --limit 10', verb('events', '--limit', '10')),
  ],
  goals: ['tidings --version', 'tidings --help', 'tidings types', 'tidings events --limit 10'].map(
    (variant) => ({
      kind: 'difference' as const,
      variant,
      reference: 'node',
      atMost: 150,
    }),
  ),
  notes: [
    'From start to exit, over a log of 5,000 events, without a terminal; the built command line, not its sources.',
  ],
  async seed({ shared, scale }) {
    buildCli()
    await seedLog(log({ shared }), { streams: scaled(100, scale), eventsPerStream: 50 })
  },
}
