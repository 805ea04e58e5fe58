/** A metric that is exported. `docs/reference/metrics.md` lists them, and a test compares. */
export interface MetricDescription {
  readonly name: string
  readonly type: 'counter' | 'histogram'
  readonly help: string
  readonly label: 'type' | 'handler' | 'agent'
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
}
