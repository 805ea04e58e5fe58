import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { linkPackages, makeFolder, runCli, runNode, type CliResult } from './cli.ts'

/** Mails go into a table with the progress of their subscription; some people cannot be reached. */
const config = `
import { existsSync, readFileSync } from 'node:fs'
import { defineEvent, defineModule, defineSubscription } from 'tidings'
import { sqlite } from 'tidings/sqlite'
import { z } from 'zod'

export const MailRequested = defineEvent('Shop.Mail.Requested', {
  payload: z.object({ to: z.string().min(3), lines: z.number().int() }),
})
const isUnreachable = (name) =>
  existsSync('unreachable.txt') && readFileSync('unreachable.txt', 'utf8').split(' ').includes(name)
const mail = defineSubscription('mail', {
  events: MailRequested,
  retry: { attempts: 2, delay: 1 },
  outageAfter: 1000,
  async handle({ payload }, ctx) {
    if (isUnreachable(payload.to)) throw new Error(payload.to + ' does not answer')
    await ctx.tx.sql\`insert into sent (who, lines) values (\${payload.to}, \${payload.lines})\`
    console.error('sent ' + payload.to + ' ' + payload.lines)
  },
})
export default () => ({
  store: sqlite('app.db'),
  modules: [defineModule('shop', [mail])],
  delivery: { pollMs: 20, leaseMs: 1000 },
})
`

const application = `
import { bootstrap } from 'tidings'
import config, { MailRequested } from './tidings.config.ts'

const app = await bootstrap(config())
await app.store.transaction((tx) => tx.sql\`create table if not exists sent (who text, lines integer)\`)
const [, , ...names] = process.argv
for (const [index, aggregateId] of names.entries()) {
  const events = MailRequested({ to: aggregateId, lines: index + 1 })
  await app.store.append({ aggregateType: 'Shop.Mail', aggregateId, events })
}
await app.delivery.caughtUp()
console.error('ready')
if (names.length === 0) for await (const _ of process.stdin);
await app.close()
`

export interface Shop {
  readonly cwd: string
  readonly tidings: (...args: readonly string[]) => Promise<CliResult>
  /** Mails that arrived, \`who:lines\`, in order. */
  readonly sent: () => string[]
  readonly setUnreachable: (...names: readonly string[]) => void
  /** Runs the application; it stops when the test ends. */
  readonly startApp: () => Promise<RunningApp>
  /** The ids of what is parked, in order. */
  readonly letters: () => Promise<string[]>
}

export interface RunningApp {
  readonly child: ChildProcess
  /** Resolves when it has said a line. */
  readonly says: (line: string) => Promise<void>
  readonly stop: () => Promise<void>
}

/** A folder with an application, in which these mails were asked for, and some did not arrive. */
export async function openShop(
  names: readonly string[] = ['ann', 'ben', 'ann', 'ben', 'ann'],
  unreachable: readonly string[] = ['ann'],
  makeOwnFolder: () => string = makeFolder,
): Promise<Shop> {
  const cwd = makeOwnFolder()
  linkPackages(cwd)
  writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(cwd, 'tidings.config.ts'), config)
  writeFileSync(join(cwd, 'app.ts'), application)
  const setUnreachable: Shop['setUnreachable'] = (...who) =>
    writeFileSync(join(cwd, 'unreachable.txt'), who.join(' '))
  setUnreachable(...unreachable)
  await askFor(cwd, names, unreachable)
  const env = { TIDINGS_STORE: 'sqlite:app.db' }
  const tidings: Shop['tidings'] = (...args) => runCli(args, { cwd, env })
  return {
    cwd,
    tidings,
    setUnreachable,
    startApp: () => startApp(cwd),
    sent() {
      using database = new DatabaseSync(join(cwd, 'app.db'), { readOnly: true })
      const rows = database.prepare('select who, lines from sent order by rowid').all()
      return rows.map(({ who, lines }) => `${String(who)}:${String(lines)}`)
    },
    async letters() {
      const { stdout } = await tidings('dead-letters', 'list')
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t')[0] ?? '')
    },
  }
}

/** Logs in which mails were asked for, by which and who was unreachable: each is made once for all tests of a file. */
const logs = new Map<string, Buffer>()

async function askFor(
  cwd: string,
  names: readonly string[],
  unreachable: readonly string[],
): Promise<void> {
  const file = join(cwd, 'app.db')
  const key = JSON.stringify([names, unreachable])
  const known = logs.get(key)
  if (known !== undefined) return writeFileSync(file, known)
  const asked = await runNode(['--conditions=@tidings/source', 'app.ts', ...names], { cwd })
  if (asked.code !== 0) throw new Error(asked.stderr)
  if (existsSync(`${file}-wal`)) throw new Error('The application left a part of its log in a WAL.')
  logs.set(key, readFileSync(file))
}

async function startApp(cwd: string): Promise<RunningApp> {
  const child = spawn(process.execPath, ['--conditions=@tidings/source', 'app.ts'], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'inherit', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line)
    for (const look of waiting) look()
  })
  const says = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!said.includes(line)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      child.once('exit', () => reject(new Error(`The application ended: ${said.join('\n')}`)))
      look()
    })
  await says('ready')
  return {
    child,
    says,
    async stop() {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
