/** Why a session is over. */
export type SessionEnd =
  /** It was told to stop: everything under way has ended, or was cut off at the deadline. */
  | { readonly kind: 'stopped' }
  /** Somebody else owns the subscription now. */
  | { readonly kind: 'lost'; readonly why: string }
  /** It met an event that only a newer process can read, and lets such a one have the lease. */
  | { readonly kind: 'offered' }
  /** Other processes have less than their share of the shards, and this one more. */
  | { readonly kind: 'shared' }
  /** It begins anew, in the next generation. */
  | { readonly kind: 'reset'; readonly position: number }
  /** The runtime itself failed. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** Thrown where a session has to end in the middle of an event, which is left as it was. */
export class SessionOver extends Error {
  readonly end: SessionEnd

  constructor(end: SessionEnd) {
    super(`The session is over: ${end.kind}`)
    this.name = 'SessionOver'
    this.end = end
  }
}
