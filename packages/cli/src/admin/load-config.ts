import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BootstrapOptions, Store, StoreTransaction } from 'tidings'
import type { AnyModule } from 'tidings/contract'
import type { VerbContext } from '../context.ts'
import { Failure } from '../failure.ts'

/** What an application is made of, as its configuration says it. */
export type AppConfig = BootstrapOptions<StoreTransaction, readonly AnyModule[]>

const DEFAULT_FILE = 'tidings.config.ts'

/**
 * Loads a configuration: its default export is the options of `bootstrap`, or a function that answers
 * with them, now or later. Nothing is started by it.
 *
 * @throws {Failure} it is not there, does not load, or exports something else
 */
export async function loadConfig(
  name: string | undefined,
  context: VerbContext,
): Promise<AppConfig> {
  const { cwd, t } = context
  const file = name ?? DEFAULT_FILE
  const path = resolve(cwd, file)
  if (!existsSync(path))
    throw failure(t('config.missing', { file, path }), t('config.missing-hint'))
  const exported = await load(file, path, context)
  if (isConfig(exported)) return exported
  throw failure(t('config.none', { file }), t('config.none-hint'))
}

async function load(file: string, path: string, { t }: VerbContext): Promise<unknown> {
  try {
    const { default: exported } = (await import(pathToFileURL(path).href)) as { default?: unknown }
    return typeof exported === 'function' ? await (exported as () => unknown)() : exported
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw failure(
      t('config.does-not-load', { file, reason }),
      t('contracts.does-not-load-hint'),
      error,
    )
  }
}

function isConfig(value: unknown): value is AppConfig {
  if (typeof value !== 'object' || value === null) return false
  const { store, modules } = value as { readonly store?: unknown; readonly modules?: unknown }
  return isStore(store) && Array.isArray(modules)
}

function isStore(value: unknown): value is Store | Promise<Store> {
  return typeof value === 'object' && value !== null
}

function failure(message: string, hint: string, cause?: unknown): Failure {
  return new Failure('TIDINGS_CLI_CONFIG', message, { hint, cause })
}
