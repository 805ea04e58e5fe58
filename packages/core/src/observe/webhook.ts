import { WebhookError } from '../errors/webhook-error.ts'
import { systemClock, type Clock } from '../internal/clock.ts'
import type { Alert, AlertRetry, AlertSender } from './alert.ts'
import { invalid, requireFunctions, requireMs, requireTimerMs } from './options.ts'

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
  /** The longest that an answer's `Retry-After` may put the next try off; 300,000 by default, 0: not at all. */
  readonly maxRetryAfterMs?: number
  /** For tests. */
  readonly clock?: Clock
}

/** Answers of a server that a later request may get another answer than. */
const RETRYABLE_4XX: readonly number[] = [408, 425, 429]

/**
 * Posts alerts as JSON. Any answer of 2xx is taken for sent; one of 3xx (no redirect is followed) or 4xx (but
 * 408, 425, 429) is not tried again; all else is, no earlier than its `Retry-After` says (seconds or a date).
 * The URL, which may hold a secret, is in no message but for its origin.
 *
 * @throws {UsageError} the URL is none of http or https; an option that it cannot take
 */
export function webhook(url: string | URL, options: WebhookOptions = {}): AlertSender {
  const target = requireHttp(url)
  const { fetch = globalThis.fetch, body = (alert: Alert) => alert, timeoutMs = 10_000 } = options
  const { maxRetryAfterMs = 300_000, clock = systemClock } = options
  requireTimerMs('timeoutMs', timeoutMs)
  requireMs('maxRetryAfterMs', maxRetryAfterMs)
  requireFunctions({ fetch, body })
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
      // Followed, most would be asked again without the body, and their 2xx taken for sent.
      redirect: 'manual' as const,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    const response = await fetch(target, request).catch((error: unknown) => {
      throw new WebhookError(target.origin, undefined, { retryable: true, cause: error })
    })
    // An unread body holds the connection.
    await response.body?.cancel()
    if (response.ok) return
    const { status } = response
    const isRetryable = status >= 500 || RETRYABLE_4XX.includes(status)
    const askedMs = isRetryable ? readRetryAfter(response.headers, clock.now()) : undefined
    const retryAfterMs = askedMs === undefined ? undefined : Math.min(askedMs, maxRetryAfterMs)
    throw new WebhookError(target.origin, status, { retryable: isRetryable, retryAfterMs })
  }
  return Object.assign(post, options.retry === undefined ? {} : { retry: options.retry })
}

/** `Retry-After: 120`, or a date of HTTP; undefined for none, and for what is neither. */
function readRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  // A date has letters: `Date.parse` would take a number with a sign or a fraction for a year.
  const atMs = /^[A-Za-z]/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
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
