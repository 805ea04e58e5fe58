/** A metric that is exported. `docs/reference/metrics.md` lists them, and a test compares. */
export interface MetricDescription {
  readonly name: string
  readonly type: 'counter' | 'histogram' | 'gauge'
  readonly help: string
  readonly label: 'type' | 'handler' | 'agent' | 'subscription'
}

const describe = (
  type: MetricDescription['type'],
  label: MetricDescription['label'],
  name: string,
  help: string,
): MetricDescription => ({ name, type, label, help })

export type MetricKey =
  | 'published'
  | 'unhandled'
  | 'dropped'
  | 'typeHandled'
  | 'typeFailed'
  | 'handlerSeconds'
  | 'handlerFailed'
  | 'agentPublished'
  | 'agentFailed'
  | 'agentSeconds'
  | 'commandSeconds'
  | 'commandFailed'
  | 'subscriptionSeconds'
  | 'subscriptionHandled'
  | 'subscriptionFailed'
  | 'subscriptionRetried'
  | 'subscriptionDeadLettered'
  | 'subscriptionParked'
  | 'subscriptionResolved'
  | 'subscriptionPassedOver'
  | SubscriptionGauge

/** Read of the log when they are asked for, where counters are kept by the process that counts. */
export type SubscriptionGauge =
  | 'subscriptionState'
  | 'subscriptionOwned'
  | 'subscriptionLagEvents'
  | 'subscriptionLagSeconds'
  | 'subscriptionParkedNow'
  | 'subscriptionDeadLetters'

/** Names are part of the public contract: dashboards and alerts stand on them. */
export const metricTable: Readonly<Record<MetricKey, MetricDescription>> = {
  published: describe(
    'counter',
    'type',
    'tidings_events_published_total',
    'Events that were handed to the bus.',
  ),
  unhandled: describe(
    'counter',
    'type',
    'tidings_events_unhandled_total',
    'Events that nobody listened to.',
  ),
  dropped: describe(
    'counter',
    'type',
    'tidings_events_dropped_total',
    'Events that a full queue refused or threw out.',
  ),
  typeHandled: describe(
    'counter',
    'type',
    'tidings_events_handled_total',
    'How often a handler came to its end with an event.',
  ),
  typeFailed: describe(
    'counter',
    'type',
    'tidings_events_failed_total',
    'How often a handler failed on an event.',
  ),
  handlerSeconds: describe(
    'histogram',
    'handler',
    'tidings_handler_duration_seconds',
    'How long a handler took for one event.',
  ),
  handlerFailed: describe(
    'counter',
    'handler',
    'tidings_handler_failed_total',
    'How often a handler failed.',
  ),
  agentPublished: describe(
    'counter',
    'agent',
    'tidings_agent_events_published_total',
    'Events of an agent that were handed to the bus.',
  ),
  agentFailed: describe(
    'counter',
    'agent',
    'tidings_agent_events_failed_total',
    'How often a handler failed on an event of an agent.',
  ),
  agentSeconds: describe(
    'histogram',
    'agent',
    'tidings_agent_reported_duration_seconds',
    'How long the work took that events of an agent tell of.',
  ),
  commandSeconds: describe(
    'histogram',
    'type',
    'tidings_command_duration_seconds',
    'How long a command took, good or bad.',
  ),
  commandFailed: describe(
    'counter',
    'type',
    'tidings_command_failed_total',
    'How often a command failed.',
  ),
  subscriptionSeconds: describe(
    'histogram',
    'subscription',
    'tidings_subscription_attempt_duration_seconds',
    'How long an attempt took, its commit included; in a batch or group as long as all of it.',
  ),
  subscriptionHandled: describe(
    'counter',
    'subscription',
    'tidings_subscription_events_handled_total',
    'Events that were handled, redriven ones included.',
  ),
  subscriptionFailed: describe(
    'counter',
    'subscription',
    'tidings_subscription_attempts_failed_total',
    'Attempts that failed.',
  ),
  subscriptionRetried: describe(
    'counter',
    'subscription',
    'tidings_subscription_attempts_retried_total',
    'Failed attempts after which the event is tried again, in place or later.',
  ),
  subscriptionDeadLettered: describe(
    'counter',
    'subscription',
    'tidings_subscription_events_dead_lettered_total',
    'Failed attempts after which the event waits for a person.',
  ),
  subscriptionParked: describe(
    'counter',
    'subscription',
    'tidings_subscription_events_parked_total',
    'Events that were put aside, those behind others included.',
  ),
  subscriptionResolved: describe(
    'counter',
    'subscription',
    'tidings_subscription_events_resolved_total',
    'Parked events that were finished: handled after all, or skipped.',
  ),
  subscriptionPassedOver: describe(
    'counter',
    'subscription',
    'tidings_subscription_events_passed_over_total',
    'Events that nobody here declared, or that a rule or an option skips.',
  ),
  subscriptionState: describe(
    'gauge',
    'subscription',
    'tidings_subscription_state',
    '1 for the state that it is in (label state), 0 for the others.',
  ),
  subscriptionOwned: describe(
    'gauge',
    'subscription',
    'tidings_subscription_owned',
    '1 while a process runs it, else 0.',
  ),
  subscriptionLagEvents: describe(
    'gauge',
    'subscription',
    'tidings_subscription_lag_events',
    'Positions of the log that it has still to look at.',
  ),
  subscriptionLagSeconds: describe(
    'gauge',
    'subscription',
    'tidings_subscription_lag_seconds',
    'How long ago the first of them was recorded.',
  ),
  subscriptionParkedNow: describe(
    'gauge',
    'subscription',
    'tidings_subscription_events_parked',
    'Events that are put aside and unfinished.',
  ),
  subscriptionDeadLetters: describe(
    'gauge',
    'subscription',
    'tidings_subscription_dead_letters',
    'Those of them that wait for a person.',
  ),
}
