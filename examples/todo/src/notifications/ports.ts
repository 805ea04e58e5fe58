/** Something to say to a user. */
export interface Note {
  readonly userId: string
  readonly text: string
  /** The same for the same note: who has it already does not show it again. */
  readonly idempotencyKey: string
}

/** @throws when the note could not be handed over */
export type SendNote = (note: Note) => Promise<void>

/** The ways to reach a user. */
export interface NotificationPorts {
  readonly mail: SendNote
  readonly push: SendNote
  readonly inApp: SendNote
}
