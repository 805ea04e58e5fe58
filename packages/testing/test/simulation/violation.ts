/** A promise that was broken. */
export class Violation extends Error {
  /** Which one, in a word. */
  readonly rule: string

  constructor(rule: string, message: string) {
    super(message)
    this.name = 'Violation'
    this.rule = rule
  }
}
