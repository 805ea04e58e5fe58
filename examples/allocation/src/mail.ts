export interface Mail {
  readonly to: string
  readonly subject: string
  /** The same for the same mail: a service that knows it already does not send it again. */
  readonly idempotencyKey: string
}

/** Where mails go. */
export interface MailPort {
  /** @throws when it could not be handed over */
  send(mail: Mail): Promise<void>
}

/** Says on a terminal what it would have sent. */
export function printedMail(print: (line: string) => void): MailPort {
  return {
    async send({ to, subject }) {
      print(`  ✉ ${to}: ${subject}`)
    },
  }
}
