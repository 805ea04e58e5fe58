import { DefinitionError } from '../errors/usage-errors.ts'
import type { AnyTopic, Carries } from './definition.ts'

export interface Topic<Name extends string = string, C extends Carries = Carries> extends AnyTopic {
  readonly name: Name
  readonly carries: C
}

export interface TopicOptions<C extends Carries> {
  /** Facts for everyone, tasks for workers, or the results of tasks. */
  readonly carries: C
  /** 3 by default. */
  readonly partitions?: number
  /** 3 by default. */
  readonly replicas?: number
  /** Milliseconds; 7 days by default. */
  readonly retentionMs?: number
  /** Milliseconds; 1 day by default. */
  readonly segmentMs?: number
  readonly cleanup?: 'delete' | 'compact'
}

const DAY_MS = 86_400_000
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/

/**
 * Declares a topic once, for the relay, the broker and its exported configuration.
 *
 * @throws {DefinitionError} when the name is not one that Kafka takes, or a number is not positive.
 */
export function defineTopic<const Name extends string, const C extends Carries>(
  name: Name,
  options: TopicOptions<C>,
): Topic<Name, C> {
  if (!TOPIC_NAME.test(name) || name === '.' || name === '..') {
    throw new DefinitionError(
      name,
      'a topic name has 1 to 249 of the characters a-z A-Z 0-9 . _ - and is not . or ..',
    )
  }
  const topic: Topic<Name, C> = {
    kind: 'topic',
    name,
    carries: options.carries,
    partitions: options.partitions ?? 3,
    replicas: options.replicas ?? 3,
    retentionMs: options.retentionMs ?? 7 * DAY_MS,
    segmentMs: options.segmentMs ?? DAY_MS,
    cleanup: options.cleanup ?? 'delete',
  }
  for (const field of ['partitions', 'replicas', 'retentionMs', 'segmentMs'] as const) {
    if (Number.isInteger(topic[field]) && topic[field] >= 1) continue
    throw new DefinitionError(
      name,
      `${field} must be a whole number from 1 up, got ${topic[field]}`,
    )
  }
  return Object.freeze(topic)
}
