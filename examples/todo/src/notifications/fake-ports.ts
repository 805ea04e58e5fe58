import type { Note, NotificationPorts } from './ports.ts'

export type Channel = keyof NotificationPorts

/** Services that are none: they keep what they are given, and the mail server can be told to refuse somebody. */
export interface FakePorts extends NotificationPorts {
  sent(channel: Channel): readonly Note[]
  /** Mails to these users are refused. */
  readonly refused: Set<string>
}

/** The mail server does not take mails for somebody. */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError'
  readonly code = 'MAIL_REFUSED'

  constructor(userId: string) {
    super(`The mail server refuses mails to ${userId}.`)
  }
}

export function fakePorts(): FakePorts {
  const notes = { mail: new Map<string, Note>(), push: new Map(), inApp: new Map() } as const
  const refused = new Set<string>()
  const keep = async (channel: Channel, note: Note): Promise<void> => {
    notes[channel].set(note.idempotencyKey, note)
  }
  return {
    refused,
    sent: (channel) => [...notes[channel].values()] as readonly Note[],
    mail: async (note) => {
      if (refused.has(note.userId)) throw new MailRefusedError(note.userId)
      await keep('mail', note)
    },
    push: (note) => keep('push', note),
    inApp: (note) => keep('inApp', note),
  }
}
