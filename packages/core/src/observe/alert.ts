import type { Envelope } from '../contract/envelope.ts'

export type Severity = 'info' | 'warning' | 'high' | 'critical'

interface RuleBase {
  /** Tells the rule in alerts; its kind (and what it watches) by default. Each rule has its own. */
  readonly name?: string
  readonly severity?: Severity
}

/** A handler or a command fails. `high` by default. */
export interface ErrorRule extends RuleBase {
  readonly kind: 'error'
  /** Only for types that fit: a name or a glob. */
  readonly type?: string
}

/** A handler or a command takes longer, or an event says that its work did. `warning` by default. */
export interface SlowRule extends RuleBase {
  readonly kind: 'slow'
  readonly overMs: number
  readonly type?: string
}

/** An event of this type (a name or a glob) comes, one that tells of a failure. `high` by default. */
export interface EventRule extends RuleBase {
  readonly kind: 'event'
  readonly type: string
}

/** No event that fits (a name or a glob) was published for so long. `high` by default. */
export interface SilenceRule extends RuleBase {
  readonly kind: 'silence'
  readonly type: string
  readonly forMs: number
  /** Only events of this source: whose they are by `agentOf`. Of anybody by default. */
  readonly source?: string
}

/** A number is above or below a bound: lag, dead letters, a queue. `warning` by default. */
export interface ValueRule extends RuleBase {
  readonly kind: 'value'
  readonly name: string
  /** Read at each check; undefined: not known now, which changes nothing. */
  readonly read: () => number | undefined | Promise<number | undefined>
  readonly above?: number
  readonly below?: number
}

interface SubscriptionRuleBase extends RuleBase {
  /** Only those whose name fits: a name or a glob. All by default. */
  readonly subscription?: string
}

/** A durable subscription is in one of these states. `high` by default. */
export interface SubscriptionRule extends SubscriptionRuleBase {
  readonly kind: 'subscription'
  /** `outage`, `failed` and `paused` by default; `unowned` for one that no process runs and nobody stopped. */
  readonly states?: readonly string[]
}

/** More events of a subscription are parked. `warning` by default. */
export interface ParkedRule extends SubscriptionRuleBase {
  readonly kind: 'parked'
  /** 0 by default. */
  readonly above?: number
  /** Counts only those that wait for a person; else also those that are tried again, and those behind others. */
  readonly only?: 'dead-letters'
}

/** A subscription lags more: by time, by positions of the log, or either. `warning` by default. */
export interface LagRule extends SubscriptionRuleBase {
  readonly kind: 'lag'
  readonly overMs?: number
  readonly overEvents?: number
}

/** Rules about durable subscriptions: looked at every `checkEveryMs`, and over when a look says so. */
export type WatchRule = SubscriptionRule | ParkedRule | LagRule

export type AlertRule = ErrorRule | SlowRule | EventRule | SilenceRule | ValueRule | WatchRule

/** What is sent. All of it is JSON. */
export interface Alert {
  /** The same in the alert, its reminders and its recovery. */
  readonly id: string
  readonly state: 'firing' | 'recovered'
  readonly rule: string
  readonly kind: AlertRule['kind']
  readonly severity: Severity
  /** What it is about: a handler, a command, an event type, a value. */
  readonly subject: string
  readonly title: string
  /** The latest cause; sensitive values replaced, shortened. */
  readonly message: string
  /** When it began: UTC, ISO 8601. */
  readonly since: string
  /** When this was said. */
  readonly at: string
  /** How often the rule was broken since then. */
  readonly count: number
  /** Of the latest cause, where an event or a command was. */
  readonly correlationId?: string
}

/** Sends an alert, or throws: then it is tried again. `signal` is aborted when nobody waits any more. */
export interface AlertSender {
  (alert: Alert, options: { readonly signal: AbortSignal }): unknown
  /** How this sender is tried again; wins over the options. */
  readonly retry?: Partial<AlertRetry>
}

/** How a failed sending is tried again: after base, 2 × base … up to max, each lengthened by up to a half. */
export interface AlertRetry {
  /** Tries in all; 5 by default. */
  readonly attempts: number
  /** 1,000 by default. */
  readonly baseMs: number
  /** 60,000 by default. */
  readonly maxMs: number
}

/** Told of what could not be sent, or of a value that could not be read (then there is no alert). */
export type AlertFailure = (error: unknown, alert: Alert | undefined) => void

/** What broke a rule. */
export interface Breach {
  readonly subject: string
  readonly title: string
  readonly message: string
  readonly correlationId?: string
}

/** The name of an event's owner behind its type. */
export function eventSubject({ eventType }: Envelope, agent: string | undefined): string {
  return agent === undefined ? eventType : `${eventType} of ${agent}`
}
