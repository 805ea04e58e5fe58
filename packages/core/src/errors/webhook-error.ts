import { TidingsError, type TidingsErrorOptions } from './tidings-error.ts'

/** A webhook did not take what was sent to it. */
export class WebhookError extends TidingsError<'TIDINGS_WEBHOOK_FAILED'> {
  /** Scheme and host: the rest of the URL may be a secret. */
  readonly origin: string
  /** Undefined where there was no answer. */
  readonly status: number | undefined
  /** Milliseconds after which its server asks to be called again (`Retry-After`); undefined where it does not. */
  readonly retryAfterMs: number | undefined

  constructor(
    origin: string,
    status: number | undefined,
    options: TidingsErrorOptions & { readonly retryAfterMs?: number | undefined },
  ) {
    const answer = status === undefined ? 'gave no answer' : `answered with ${status}`
    const next =
      options.retryable === true ? 'It may take it later.' : 'Check its URL and what it expects.'
    super(
      'TIDINGS_WEBHOOK_FAILED',
      `The webhook at ${origin} takes JSON with an answer of 2xx; it ${answer}. ${next}`,
      options,
    )
    this.origin = origin
    this.status = status
    this.retryAfterMs = options.retryAfterMs
  }
}
