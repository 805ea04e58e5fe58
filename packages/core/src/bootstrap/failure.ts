import type { ListenerFailure } from '../bus/handler.ts'

/** What can go wrong after a commit, where no caller is left to be told. */
export type Failure =
  | ({ readonly kind: 'listener' } & ListenerFailure)
  | { readonly kind: 'background'; readonly error: unknown }
