import { parseArgs } from 'node:util'

export const DEFAULT_PORT = 3000
export const DEFAULT_STORE = 'sqlite:.tidings/todo.db'

export const help = `The todo service: typed events, recorded by commands, over HTTP.

Usage: npm start -- [options]

  --port N             the port on 127.0.0.1; 0 for a free one
                       (default: PORT, else ${DEFAULT_PORT}, or a free one where that is taken)
  --store ADDRESS      the log, sqlite:FILE or postgres://…; created where it is not there yet
                       (default: TIDINGS_STORE, else ${DEFAULT_STORE})
  --smoke              try everything once on a fresh store and a free port, and exit with 0 or 1;
                       with --store postgres://… in a schema of its own of that database
  --help               this text

Ctrl-C finishes what is under way and stops.
`

export interface Arguments {
  readonly help: boolean
  readonly smoke: boolean
  readonly port: number
  /** Whether somebody asked for this port; the default one may be replaced where it is taken. */
  readonly isPortChosen: boolean
  /** Where the log is: `sqlite:FILE` or `postgres://…`. */
  readonly store: string
}

/** The command line cannot be understood. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** @throws {ArgumentError} an unknown flag, a port that is none, a store that is no address of a log */
export function readArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Arguments {
  const { help = false, smoke = false, port, store } = parse(args)
  const chosen = port ?? (env['PORT'] === '' ? undefined : env['PORT'])
  return {
    help,
    smoke,
    port:
      chosen === undefined
        ? DEFAULT_PORT
        : readPort(chosen, port === undefined ? 'PORT' : '--port'),
    isPortChosen: chosen !== undefined,
    store: readStore(store ?? (env['TIDINGS_STORE'] || DEFAULT_STORE)),
  }
}

function parse(args: readonly string[]): {
  help?: boolean
  smoke?: boolean
  port?: string
  store?: string
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        smoke: { type: 'boolean' },
        port: { type: 'string' },
        store: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new ArgumentError((error as Error).message)
  }
}

function readPort(text: string, where: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new ArgumentError(`${where} must be a whole number from 0 to 65535, got '${text}'.`)
}

function readStore(store: string): string {
  if (/^(sqlite:.|postgres(ql)?:\/\/.)/.test(store)) return store
  throw new ArgumentError(`--store must be sqlite:FILE or postgres://…, got '${store}'.`)
}
