import { requireLimit, requireTime } from '../check-arguments.ts'
import { CommandIdTakenError, type CommandRecord } from '../command-record.ts'
import type {
  ContractStore,
  DeclaredContract,
  Snapshot,
  SnapshotStore,
  CommandStore,
} from '../store.ts'
import type { Access } from './access.ts'
import type { MemoryDelivery } from './memory-delivery.ts'
import type { MemoryLog } from './memory-log.ts'
import { isUnfinished } from './parked-rows.ts'

export function memoryCommands(
  log: MemoryLog,
  { parked }: Pick<MemoryDelivery, 'parked'>,
  access: Access,
): CommandStore {
  return {
    async find(commandId) {
      access.read()
      return log.commands.get(commandId)
    },
    async byCorrelation(correlationId) {
      access.read()
      const related = [...log.commands.values()].filter(
        (command) => command.correlationId === correlationId,
      )
      return related.sort(byTime)
    },
    record: (command) =>
      access.write(() => {
        if (log.hasCommand(command.commandId)) throw new CommandIdTakenError(command.commandId)
        log.commit([], [Object.freeze({ ...command })])
      }),
    sweep: (before, limit = Infinity) =>
      access.write(() => {
        if (limit !== Infinity) requireLimit(limit)
        const beforeMs = requireTime('before', before)
        const open = new Set([...parked.all()].filter(isUnfinished).map(({ eventId }) => eventId))
        let count = 0
        for (const { commandId, createdAt, causationId } of log.commands.values()) {
          if (count === limit) break
          if (Date.parse(createdAt) >= beforeMs || open.has(causationId ?? '')) continue
          log.commands.delete(commandId)
          count++
        }
        log.deleted.commands += count
        return count
      }),
  }
}

/** In the order in which they were handled; ids of one millisecond decide among themselves. */
function byTime(a: CommandRecord, b: CommandRecord): number {
  const [left, right] = [a.createdAt + a.commandId, b.createdAt + b.commandId]
  return left < right ? -1 : 1
}

/** By stream. */
export type SnapshotTable = Map<string, Snapshot>

export function memorySnapshots(snapshots: SnapshotTable, access: Access): SnapshotStore {
  return {
    async load(stream) {
      access.read()
      return snapshots.get(stream)
    },
    save: (snapshot) =>
      access.write(() => {
        const before = snapshots.get(snapshot.stream)
        // At the same version of the stream the later one is of the newer code.
        if (before !== undefined && before.streamVersion > snapshot.streamVersion) return
        snapshots.set(snapshot.stream, Object.freeze({ ...snapshot }))
      }),
  }
}

export function memoryContracts(access: Access): ContractStore {
  const contracts = new Map<string, DeclaredContract>()
  return {
    declare: (declared) =>
      access.write(() => {
        for (const contract of declared) {
          contracts.set(`${contract.type}@${contract.version}`, structuredClone(contract))
        }
      }),
    async list() {
      access.read()
      const all = [...contracts.values()]
      return all.sort((a, b) =>
        a.type === b.type ? a.version - b.version : a.type < b.type ? -1 : 1,
      )
    },
  }
}
