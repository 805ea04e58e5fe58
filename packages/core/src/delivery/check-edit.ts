import type { DeclaredContract } from '../contract/declared.ts'
import { findJsonFault } from '../contract/json.ts'
import { findSchemaFault } from '../contract/json-schema.ts'
import { toEnumName } from '../contract/names.ts'
import { parsePayload, touchesSensitive } from '../contract/payload.ts'
import type { Registry } from '../contract/registry.ts'
import { ContractError, shorten, type ContractIssue } from '../errors/contract-error.ts'
import type { Store } from '../store/store.ts'

/**
 * Checks a payload that a person puts in the place of another one, by today's contract of its type.
 *
 * @throws {ContractError} with pointer, expected and actual
 */
export type EditCheck = (eventType: string, payload: unknown) => void

/** By the contracts of an application; without one by what applications declared in the log. */
export async function editCheck(
  store: Pick<Store, 'contracts'>,
  registry: Pick<Registry, 'event'> | undefined,
): Promise<EditCheck> {
  const check = registry === undefined ? byDeclared(await store.contracts.list()) : by(registry)
  return (eventType, payload) => {
    const fault = findJsonFault(payload)
    if (fault !== undefined) {
      const actual = shorten(fault.actual)
      throw new ContractError('TIDINGS_PAYLOAD_NOT_JSON', 'the payload is no JSON.', {
        type: eventType,
        issues: [{ pointer: fault.pointer, expected: fault.expected, actual }],
        nextStep: NEXT_STEP,
      })
    }
    check(eventType, payload)
  }
}

const NEXT_STEP = 'Nothing was changed. Mend the payload.'

function by(registry: Pick<Registry, 'event'>): EditCheck {
  return (eventType, payload) => {
    const definition = registry.event(eventType)
    if (definition === undefined) throw undeclared(eventType)
    parsePayload(definition, payload)
  }
}

function byDeclared(contracts: readonly DeclaredContract[]): EditCheck {
  return (eventType, payload) => {
    const contract = newestOf(eventType, contracts)
    if (contract === undefined) throw undeclared(eventType)
    const { inputSchema, sensitive, type } = contract
    if (inputSchema === undefined) throw unsayable(type)
    const found = findSchemaFault(inputSchema, payload)
    if (found === undefined) return
    const isHidden = touchesSensitive(sensitive, found.pointer)
    throw refuse(type, { ...found, actual: isHidden ? '[sensitive]' : found.actual })
  }
}

function newestOf(
  eventType: string,
  contracts: readonly DeclaredContract[],
): DeclaredContract | undefined {
  return contracts
    .filter(({ kind }) => kind !== 'command')
    .filter(({ type, aliases }) => [type, ...aliases, toEnumName(type)].includes(eventType))
    .reduce<DeclaredContract | undefined>(
      (newest, one) => (newest === undefined || one.version > newest.version ? one : newest),
      undefined,
    )
}

function refuse(type: string, issue: ContractIssue): ContractError {
  return new ContractError('TIDINGS_PAYLOAD_INVALID', 'the payload does not fit its contract.', {
    type,
    issues: [issue],
    nextStep: NEXT_STEP,
  })
}

function undeclared(eventType: string): ContractError {
  return new ContractError('TIDINGS_NAME_UNKNOWN', 'no application has declared this type.', {
    type: eventType,
    issues: [],
    nextStep: 'Its payload cannot be checked, so it cannot be edited. Nothing was changed.',
  })
}

function unsayable(type: string): ContractError {
  return new ContractError('TIDINGS_PAYLOAD_INVALID', 'the log does not hold its schema.', {
    type,
    issues: [],
    nextStep:
      'Its library cannot say it as data. Nothing was changed. Give the contracts of the application.',
  })
}
