/** A valid event as a line of a file says it; ids follow from a number. */
export function wireEvent(
  number: number,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    event_id: numberedId(number),
    event_type: 'Todo.Item.Created',
    event_version: 1,
    timestamp: `2026-01-01T00:00:00.${String(number % 1000).padStart(3, '0')}Z`,
    aggregate_type: 'Todo.Item',
    aggregate_id: `item-${number % 7}`,
    correlation_id: numberedId(900_000 + (number % 7)),
    causation_id: null,
    payload: { title: `Event ${number}` },
    metadata: { version: 1, source: 'test' },
    ...changes,
  }
}

/** A UUIDv7 that a number stands for. */
export function numberedId(number: number): string {
  return `019b0000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

/** Lines of a file. */
export function toLines(values: readonly unknown[]): string {
  return values
    .map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`)
    .join('')
}
