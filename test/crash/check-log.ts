import assert from 'node:assert/strict'
import type { StoredEnvelope } from 'tidings'
import { sqlite, type SqliteStore } from 'tidings/sqlite'
import { perform, prepareRows, rowName } from './perform.ts'
import { CALLERS, planOperation, type Operation } from './plan.ts'

export interface LogReport {
  readonly events: number
  /** Operations that were acknowledged, and are there. */
  readonly acknowledged: number
  /** Operations under way when the writer died: there whole, or not at all. */
  readonly stored: number
  readonly absent: number
}

/**
 * Opens the log that a killed writer left and holds it against what it had acknowledged; then does
 * what was under way once more, as the caller of a dead process would.
 *
 * @param acknowledged for each caller the number of its last acknowledged operation, 0 for none
 * @throws {AssertionError} something acknowledged is gone, something is half there, or there twice
 */
export async function checkLog(
  file: string,
  seed: number,
  acknowledged: readonly number[],
): Promise<LogReport> {
  await using store = sqlite(file)
  await prepareRows(store)
  await assertVerified(store)
  const known = new Map<string, Operation>()
  let stored = 0
  const pending: { operation: Operation; isStored: boolean }[] = []
  for (let caller = 0; caller < CALLERS; caller++) {
    const last = acknowledged[caller] ?? 0
    for (let number = 1; number <= last + 1; number++) {
      const operation = planOperation(seed, caller, number)
      remember(known, operation)
      const isStored = await isWhole(store, operation)
      const name = `operation ${number} of caller ${caller}`
      if (number <= last) assert.ok(isStored, `${name} was acknowledged, and is gone`)
      else pending.push({ operation, isStored })
    }
  }
  for (const { operation, isStored } of pending) {
    if (isStored) stored++
    const results = await perform(store, operation)
    assert.ok(
      results.every(({ repeated }) => repeated === isStored),
      'a repeat is known as one',
    )
    assert.ok(await isWhole(store, operation), 'what was repeated is there')
  }
  const events = await assertNothingElse(store, known)
  await assertVerified(store)
  const total = acknowledged.reduce((sum, count) => sum + count, 0)
  return { events, acknowledged: total, stored, absent: pending.length - stored }
}

async function assertVerified(store: SqliteStore): Promise<void> {
  const faults = await Array.fromAsync(store.catalog.verify())
  assert.deepEqual(faults, [], 'verify finds nothing')
}

function remember(known: Map<string, Operation>, operation: Operation): void {
  for (const { events } of operation.appends) {
    for (const { envelope } of events) known.set(envelope.eventId, operation)
  }
}

/** Whether an operation is in the log. Fails when a part of it is. */
async function isWhole(store: SqliteStore, operation: Operation): Promise<boolean> {
  const found: (StoredEnvelope | undefined)[] = []
  for (const { events } of operation.appends) {
    for (const { envelope } of events) found.push(await store.findEvent(envelope.eventId))
  }
  const present = found.filter((event) => event !== undefined)
  const name = `operation ${operation.number} of caller ${operation.caller}`
  const isThere = present.length > 0
  if (isThere) assert.equal(present.length, found.length, `${name} is half there`)
  if (operation.command !== undefined) {
    const command = await store.commands.find(operation.command.commandId)
    assert.equal(command !== undefined, isThere, `${name}: events and command go together`)
    assert.equal(
      command?.lastPosition,
      present.at(-1)?.position,
      `${name}: its command says where its events are`,
    )
  }
  const rows = await store.transaction(
    (tx) =>
      tx.sql<{
        position: number
      }>`select position from crash_rows where name = ${rowName(operation)}`,
  )
  const wanted = isThere && operation.kind === 'transaction' ? [present[0]?.position] : []
  assert.deepEqual(
    rows.map((row) => row.position),
    wanted,
    `${name}: events and own row go together`,
  )
  return isThere
}

/** Each event of the log belongs to an operation, and is there once. */
async function assertNothingElse(
  store: SqliteStore,
  known: ReadonlyMap<string, Operation>,
): Promise<number> {
  const seen = new Set<string>()
  for await (const event of store.readAll()) {
    assert.ok(known.has(event.eventId), `event ${event.eventId} is in the log, and nobody meant it`)
    assert.ok(!seen.has(event.eventId), `event ${event.eventId} is there twice`)
    seen.add(event.eventId)
  }
  assert.equal(seen.size, known.size, 'as many events as the operations have')
  return seen.size
}
