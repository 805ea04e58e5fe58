/** How a table is reached: what every call asks first. */
export interface Access {
  /** @throws {UsageError} when the store is closed */
  read(): void
  /** Runs when no transaction does. @throws {UsageError} also inside a transaction of this store */
  write<Result>(work: () => Result): Promise<Result>
  /** By the store's clock: whole milliseconds since the epoch. */
  now(): number
}
