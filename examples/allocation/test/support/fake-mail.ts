import type { Mail, MailPort } from '../../src/mail.ts'

/** A mail service in memory. Whatever it is given twice under one key is one mail, as with a real one. */
export interface FakeMail extends MailPort {
  readonly subjects: readonly string[]
  isDown: boolean
}

export function fakeMail(): FakeMail {
  const sent = new Map<string, Mail>()
  return {
    isDown: false,
    get subjects() {
      return [...sent.values()].map(({ subject }) => subject)
    },
    async send(mail) {
      if (this.isDown) throw new Error('The mail service does not answer.')
      sent.set(mail.idempotencyKey, mail)
    },
  }
}
