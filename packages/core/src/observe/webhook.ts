import { WebhookError } from '../errors/webhook-error.ts'
import type { Alert, AlertRetry, AlertSender } from './alert.ts'
import { invalid, requireMs } from './options.ts'

export interface WebhookOptions {
  /** The platform's by default. */
  readonly fetch?: typeof globalThis.fetch
  /** How often and when it is tried again; 5 times, after 1 s, 2 s … by default. */
  readonly retry?: Partial<AlertRetry>
  /** What is sent, as JSON; the alert itself by default. */
  readonly body?: (alert: Alert) => unknown
  readonly headers?: Readonly<Record<string, string>>
  /** One request may take so long; 10,000 by default. */
  readonly timeoutMs?: number
}

/** Answers of a server that a later request may get another answer than. */
const RETRYABLE_4XX: readonly number[] = [408, 425, 429]

/**
 * Posts alerts as JSON. Any answer of 2xx is taken for sent; one of 4xx (but 408, 425, 429) is not tried
 * again; all else is. The URL, which may hold a secret, is in no message but for its origin.
 *
 * @throws {UsageError} the URL is none of http or https
 */
export function webhook(url: string | URL, options: WebhookOptions = {}): AlertSender {
  const target = requireHttp(url)
  const { fetch = globalThis.fetch, body = (alert: Alert) => alert, timeoutMs = 10_000 } = options
  requireMs('timeoutMs', timeoutMs)
  const headers = { 'content-type': 'application/json', ...options.headers }
  const post = async (
    alert: Alert,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> => {
    const content = JSON.stringify(body(alert))
    const request = {
      method: 'POST',
      headers,
      body: content,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    const response = await fetch(target, request).catch((error: unknown) => {
      throw new WebhookError(target.origin, undefined, { retryable: true, cause: error })
    })
    // An unread body holds the connection.
    await response.body?.cancel()
    if (response.ok) return
    const { status } = response
    const isRetryable = status >= 500 || status < 400 || RETRYABLE_4XX.includes(status)
    throw new WebhookError(target.origin, status, { retryable: isRetryable })
  }
  return Object.assign(post, options.retry === undefined ? {} : { retry: options.retry })
}

function requireHttp(url: string | URL): URL {
  const target = URL.parse(String(url))
  if (target?.protocol === 'http:' || target?.protocol === 'https:') return target
  throw invalid(
    target === null
      ? 'A webhook is a whole URL, for example https://hooks.example.com/alerts; this is none.'
      : `A webhook is a URL of http or https; got one of ${target.protocol}`,
  )
}
