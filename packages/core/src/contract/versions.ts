import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { SchemaInput, SchemaOutput } from './definition.ts'

// Look-up tables, not recursion: a table costs the compiler one step whatever the version.
interface StepsBelow {
  1: never
  2: 1
  3: 1 | 2
  4: 1 | 2 | 3
  5: 1 | 2 | 3 | 4
  6: 1 | 2 | 3 | 4 | 5
  7: 1 | 2 | 3 | 4 | 5 | 6
  8: 1 | 2 | 3 | 4 | 5 | 6 | 7
  9: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8
  10: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
}

interface Next {
  1: 2
  2: 3
  3: 4
  4: 5
  5: 6
  6: 7
  7: 8
  8: 9
  9: 10
}

export type History = Readonly<Record<number, StandardSchemaV1>>

// Without `history` nothing is known of an old payload, and demanding a check of each field would be
// worse than none.
// oxlint-disable-next-line typescript/no-explicit-any
type Unknown = any

type PayloadAt<H, V> = V extends keyof H
  ? H[V] extends StandardSchemaV1
    ? SchemaOutput<H[V]>
    : Unknown
  : Unknown

type InputAt<H, N, V, S extends StandardSchemaV1> = N extends V
  ? SchemaInput<S>
  : N extends keyof H
    ? H[N] extends StandardSchemaV1
      ? SchemaInput<H[N]>
      : unknown
    : unknown

/** One step from each earlier version to the next; a missing or a surplus one is an error. */
export type UpcastSteps<
  V extends number,
  H,
  S extends StandardSchemaV1,
> = V extends keyof StepsBelow
  ? {
      readonly [K in StepsBelow[V]]: (
        old: PayloadAt<H, K>,
      ) => InputAt<H, K extends keyof Next ? Next[K] : never, V, S>
    }
  : Readonly<Record<number, (old: never) => unknown>>

/** `upcast` is asked for from version 2 up, and refused at version 1. */
export type VersionOptions<V extends number, H, S extends StandardSchemaV1> = [V] extends [1]
  ? { readonly version?: V; readonly history?: undefined; readonly upcast?: undefined }
  : { readonly version: V; readonly history?: H; readonly upcast: UpcastSteps<V, H, S> }
