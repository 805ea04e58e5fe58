export {
  createStatistics,
  type AgentStatistics,
  type Statistics,
  type StatisticsOptions,
  type StatisticsSummary,
  type StatisticsTable,
  type SubscriptionStatistics,
  type TimingSummary,
  type TypeStatistics,
} from './observe/statistics.ts'
export type { ReadSubscriptions, SubscriptionReading } from './observe/subscription-reading.ts'
export type { NameOf } from './observe/event-facts.ts'
export type { ErrorSummary } from './observe/describe-error.ts'
export {
  createTracer,
  type TraceEntry,
  type TraceHandling,
  type Tracer,
  type TracerOptions,
} from './observe/tracer.ts'
export { formatTrace, traceTree, type TraceNode } from './observe/trace-tree.ts'
export {
  redactEvent,
  redactText,
  sensitiveIn,
  SENSITIVE,
  type SensitiveOf,
} from './observe/redact.ts'
export { logTo, type LogOptions } from './observe/logging.ts'
export type { LogLevel, LogLevels } from './observe/log-levels.ts'
export type { LogFields, LoggableError, Logger } from './observe/logger.ts'
export { textLogger, type TextLoggerOptions } from './observe/text-logger.ts'
export { createAlerts, type Alerts } from './observe/alerts.ts'
export type { AlertOptions } from './observe/alert-settings.ts'
export type {
  Alert,
  AlertFailure,
  AlertRetry,
  AlertRule,
  AlertSender,
  ErrorRule,
  EventRule,
  LagRule,
  ParkedRule,
  Severity,
  SilenceRule,
  SlowRule,
  SubscriptionRule,
  ValueRule,
} from './observe/alert.ts'
export { webhook, type WebhookOptions } from './observe/webhook.ts'
export { WebhookError } from './errors/webhook-error.ts'
export { PROMETHEUS_CONTENT_TYPE, prometheusText } from './observe/prometheus.ts'
export { registerInPromClient, type PromClientRegistry } from './observe/prom-client.ts'
export { metricTable, type MetricDescription } from './observe/metric-table.ts'
