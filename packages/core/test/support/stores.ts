import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sqlite } from '../../src/sqlite.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { SqlTransaction, Store } from '../../src/store/store.ts'

/** Both stores: what is promised above them holds on each. */
export const stores: readonly { readonly kind: string; readonly open: () => Promise<Store> }[] = [
  { kind: 'memory', open: async () => memoryStore() },
  { kind: 'sqlite', open: async () => openSqlite() },
]

/** A SQLite store on a file of its own, which is gone when the test ends. */
export function openSqlite(file: string = temporaryFile()): Store<SqlTransaction> {
  return sqlite(file)
}

export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-core-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'log.db')
}

/** A store, or a transaction, of which some methods are replaced. */
export function withOverrides<S extends object>(whole: S, overrides: Partial<NoInfer<S>>): S {
  return new Proxy(whole, {
    get(target, key) {
      const own: unknown = Reflect.get(overrides, key)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** A store of which every call, of its parts too, goes through a function: it may call, or answer itself. */
export function intercept<Part extends object>(
  whole: Part,
  through: (method: string, call: () => unknown) => unknown,
): Part {
  return new Proxy(whole, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value === 'object' && value !== null) return intercept(value, through)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown =>
        through(key.toString(), () => Reflect.apply(value, target, args) as unknown)
    },
  })
}
