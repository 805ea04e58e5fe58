import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bootstrap, createEventBus, defineEvent, defineModule, memoryStore } from 'tidings'
import { createStatistics, createTracer } from 'tidings/observe'
import { z } from 'zod'
import { tableRows } from './docs/markdown.ts'
import { readPage, root } from './docs/pages.ts'

const rows = tableRows(readPage('docs/reference/bus-names.md'))

/** What stands in back quotes in a cell. */
const quoted = (cell = ''): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name!)

/** Every name that the entry points export, types included. That each is there is the compiler's. */
const exported = new Set(
  ['index', 'bus', 'contract', 'observe'].flatMap((entry) =>
    Array.from(
      readFileSync(`${root}packages/core/src/${entry}.ts`, 'utf8').matchAll(
        /export (?:type )?\{(?<names>[^}]*)\}/g,
      ),
      ({ groups }) =>
        groups!['names']!.split(',').map((name) => name.replace(/^\s*type /, '').trim()),
    ).flat(),
  ),
)

/** The things whose members the page names. */
async function partsOfTheLibrary(): Promise<Record<string, object>> {
  const Noted = defineEvent('Diary.Day.Noted', { payload: z.object({}) })
  const bus = createEventBus({ events: [Noted] })
  const app = await bootstrap({ store: memoryStore(), modules: [defineModule('diary', [Noted])] })
  const { event } = await bus.publish(Noted({}))
  const queue = { maxQueueSize: 1 }
  expect(() => createEventBus({ queue: { maxQueueSize: 0 } })).toThrow(/maxQueueSize/)
  const statistics = createStatistics(bus.observations)
  const parts = {
    app,
    bus,
    queue,
    statistics,
    store: app.store,
    tracer: createTracer(bus.observations),
    Envelope: event,
  }
  await Promise.all([app.close(), bus.close()])
  return parts
}

test('what the page calls ours is ours', async () => {
  const parts = await partsOfTheLibrary()
  const names = rows.flatMap(([, here]) => quoted(here))
  expect(names.length).toBeGreaterThan(50)
  const isOurs = (name: string): boolean => {
    const [owner = '', member] = name.split('.')
    if (member === undefined) return exported.has(name)
    return parts[owner] !== undefined && member in parts[owner]
  }
  expect(names.filter((name) => !isOurs(name))).toEqual([])
  expect(['EventBuss', 'bus.publishAll', 'buss.publish', 'Envelope.type'].filter(isOurs)).toEqual(
    [],
  )
})

test('what is not here says with which part it comes, or that none has it', () => {
  const missing = rows.filter(([, here]) => here === '–')
  expect(missing.length).toBeGreaterThan(0)
  expect(missing.filter(([, , where = '']) => !/^(?:later|none): /.test(where))).toEqual([])
  expect(rows.filter(([, here, where]) => here === '' || where === '')).toEqual([])
})

test('every name of the systems that this one follows has a row', () => {
  const listed = new Set(rows.flatMap(([there]) => quoted(there)))
  const names = `
    EventBus EventType EventType.ANY SystemEvent subscribe publish publish_sync unsubscribe
    unsubscribe_handler MetricsCollector AlertingHandler LoggingHandler FilteredHandler
    EventAggregator RetryHandler EventTransformer EventRouter AsyncEventHandler
    BatchEventHandler PriorityEventBus EventTracer EventStatistics safe_handler
    EventSourcingHandler event_handler CustomEventType EventStore.save_event
    EventStore.get_events EventReplay.replay_events AgentExecutor AppEvent DatasetEvent
    DocumentEvent MessageEvent DeductQuotaHandler AGENT_STARTED AGENT_COMPLETED ERROR_OCCURRED
    SESSION_CREATED SESSION_EXPIRED CHECKPOINT_SAVED CHECKPOINT_RESTORED MIDDLEWARE_EXECUTED
    MIDDLEWARE_FAILED CustomEventHandler execution_time_ms error_message error_type
    collect_metrics get_stats on_error on_slow_execution log_event log_error condition_func
    window_seconds max_attempts transform_func max_concurrent batch_size flush_interval
    get_trace_log priority_queue USER_LOGIN USER_LOGOUT PAYMENT_SUCCESS PAYMENT_FAILED
    WORKFLOW_STARTED WORKFLOW_STEP_COMPLETED WORKFLOW_COMPLETED APP_CREATED APP_UPDATED
    APP_DELETED DATASET_CREATED DATASET_DELETED DOCUMENT_ADDED DOCUMENT_CREATED MESSAGE_CREATED
    DocumentService create_document subscription_id EventRouter.dispatch router.dispatch event_log
    EventTracer.trace EventStatistics.record get_events_for_session get_summary total_events by_type
    timing start_time end_time HIGH MEDIUM LOW RetryHandler.failed_events aggregate
    _handle_aggregation handle_with_retry _flush _process_batch data token_count
  `
    .trim()
    .split(/\s+/)
  expect(names.filter((name) => !listed.has(name))).toEqual([])
})
