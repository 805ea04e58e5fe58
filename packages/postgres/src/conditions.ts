/**
 * Conditions that hold together, and the values of their parameters. A condition is written with `?` for
 * each of its values, which become `$1`, `$2`, … in the order of their coming.
 */
export class Conditions {
  readonly #sql: string[] = []
  readonly values: unknown[] = []

  constructor(values: readonly unknown[] = []) {
    this.values.push(...values)
  }

  add(condition: string, ...values: readonly unknown[]): void {
    let next = 0
    this.#sql.push(condition.replaceAll('?', () => this.value(values[next++])))
  }

  /** A value outside a condition. @returns what stands for it */
  value(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** All of them joined; `true` where there is none. */
  get all(): string {
    return this.#sql.length === 0 ? 'true' : this.#sql.join(' and ')
  }
}
