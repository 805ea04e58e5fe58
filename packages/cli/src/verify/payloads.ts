import type { DeclaredContract, Registry, StoredEnvelope } from 'tidings/contract'
import {
  checkPayload,
  ContractError,
  findSchemaFault,
  streamName,
  toEnumName,
  touchesSensitive,
} from 'tidings/contract'
import type { Translate } from '../texts/texts.ts'
import type { Fault } from './fault.ts'

/** Checks payloads, and counts what it could not check. */
export interface PayloadCheck {
  readonly checked: number
  /** Events whose type or version nobody declared, or whose schema cannot be said as data. */
  readonly unchecked: number
  check(event: StoredEnvelope): Fault | undefined
}

/** By the contracts of a module; without one by what applications declared in the log, as JSON Schema. */
export function createPayloadCheck(
  registry: Registry | undefined,
  declared: readonly DeclaredContract[],
  t: Translate,
): PayloadCheck {
  const check = registry === undefined ? checkDeclared(declared, t) : checkRegistered(registry)
  let checked = 0
  let unchecked = 0
  return {
    get checked() {
      return checked
    },
    get unchecked() {
      return unchecked
    },
    check(event) {
      const answer = check(event)
      if (answer === 'unchecked') unchecked++
      else checked++
      if (answer === 'unchecked' || answer === 'fits') return undefined
      const { position, eventId, aggregateType, aggregateId } = event
      return {
        code: 'payload',
        message: answer.wrong,
        position,
        stream: streamName(aggregateType, aggregateId),
        eventId,
      }
    },
  }
}

type Answer = 'fits' | 'unchecked' | { readonly wrong: string }

function checkRegistered(registry: Registry): (event: StoredEnvelope) => Answer {
  return (event) => {
    try {
      return checkPayload(registry, event) === undefined ? 'unchecked' : 'fits'
    } catch (error) {
      if (error instanceof ContractError) return { wrong: error.message }
      throw error
    }
  }
}

function checkDeclared(
  declared: readonly DeclaredContract[],
  t: Translate,
): (event: StoredEnvelope) => Answer {
  const contracts = new Map<string, DeclaredContract>()
  for (const contract of declared) {
    if (contract.kind === 'command' || contract.inputSchema === undefined) continue
    for (const name of [contract.type, ...contract.aliases, toEnumName(contract.type)]) {
      contracts.set(`${name} ${contract.version}`, contract)
    }
  }
  return ({ eventType, eventVersion, payload }) => {
    const contract = contracts.get(`${eventType} ${eventVersion}`)
    if (contract?.inputSchema === undefined) return 'unchecked'
    const fault = findSchemaFault(contract.inputSchema, payload)
    if (fault === undefined) return 'fits'
    const { pointer, expected } = fault
    const actual = touchesSensitive(contract.sensitive, pointer) ? '[sensitive]' : fault.actual
    return {
      wrong: t('verify.payload', {
        type: eventType,
        pointer: pointer === '' ? '/' : pointer,
        expected,
        actual,
      }),
    }
  }
}
