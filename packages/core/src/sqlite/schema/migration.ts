/** A step from one form of the database to the next. Once released it is never edited. */
export interface Migration {
  readonly number: number
  /** The lowest schema number of a Tidings that can read and write a database in this form. */
  readonly minimumReader: number
  readonly sql: string
}
