/** The right to do something alone, for a while. */
export interface Lease {
  readonly name: string
  readonly owner: string
  /** Rises with each holder: what is written under a lower one is refused. */
  readonly token: number
  /** By the store's clock: UTC, ISO 8601, milliseconds. */
  readonly expiresAt: string
}

export interface LeaseStore {
  /**
   * Takes a lease that is free or has run out; its own holder asks for it in vain too.
   *
   * @param ttlMs how long it lasts unless it is renewed
   * @returns `undefined` while somebody holds it
   */
  acquire(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>
  /** @returns the lease as it is now; `undefined` when somebody else has it, or nobody since it was released */
  renew(lease: Lease, ttlMs: number): Promise<Lease | undefined>
  /** Frees it at once. One that is not held any more is left alone. */
  release(lease: Lease): Promise<void>
  find(name: string): Promise<Lease | undefined>
  /** In order of name, those that have run out included; those that were released are not. */
  list(): Promise<readonly Lease[]>
}
