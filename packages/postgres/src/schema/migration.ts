/** A step from one form of the schema to the next. Once released it is never edited. */
export interface Migration {
  readonly number: number
  /** The lowest schema number of a Tidings that can read and write a log in this form. */
  readonly minimumReader: number
  /** With `SCHEMA.` before every name. */
  readonly sql: string
}
