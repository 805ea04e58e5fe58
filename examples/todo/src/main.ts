import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ndjsonPublisher, runUntilSignal } from 'tidings'
import { ArgumentError, DEFAULT_STORE, help, readArguments, type Arguments } from './arguments.ts'
import { openLog } from './open-log.ts'
import { startService, type Service } from './service.ts'
import { runSmoke } from './smoke/smoke.ts'
import { welcome } from './welcome.ts'

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage */
async function main(): Promise<number> {
  try {
    const args = readArguments(process.argv.slice(2), process.env)
    if (args.help) {
      console.log(help)
      return 0
    }
    return args.smoke ? await runSmoke(args.store) : await run(args)
  } catch (error) {
    console.error(explain(error))
    return error instanceof ArgumentError ? 2 : 1
  }
}

async function run(args: Arguments): Promise<number> {
  // In the place of a broker: a line for each event that goes to a topic.
  const topicsFile = topicsFileOf(args.store)
  mkdirSync(dirname(topicsFile), { recursive: true })
  const service = await startService({
    store: openLog(args.store),
    port: args.port,
    orFreePort: !args.isPortChosen,
    publisher: ndjsonPublisher(topicsFile),
  })
  console.log(welcome({ url: service.url, wantedPort: args.port, store: args.store, topicsFile }))
  followEvents(service)
  await runUntilSignal(service.app, {
    onSignal: (signal) => console.log(`\n${signal}: finishing what is under way …`),
    beforeClose: () => service.stopRequests(),
  })
  console.log('Stopped. Everything that was acknowledged is in the log.')
  return 0
}

/** Beside a file; for a log that is none, where that of this example would be. */
function topicsFileOf(store: string): string {
  const file = store.startsWith('sqlite:') ? store : DEFAULT_STORE
  return `${file.slice('sqlite:'.length)}.topics.ndjson`
}

/** A line for each event that this process records. */
function followEvents({ app }: Service): void {
  app.bus.subscribe('**', ({ position, eventType, aggregateId }) => {
    console.log(`  ${String(position).padStart(5)}  ${eventType.padEnd(31)} ${aggregateId}`)
  })
}

function explain(error: unknown): string {
  if (error instanceof ArgumentError)
    return `${error.message}\nnpm start -- --help says what there is.`
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    const { port } = error as { readonly port?: number }
    return `Port ${port} is taken. Choose another one: npm start -- --port 0`
  }
  return error instanceof Error && 'code' in error ? error.message : String((error as Error).stack)
}

process.exitCode = await main()
