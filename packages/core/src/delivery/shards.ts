/** A part of the keys of a subscription: this one of so many. */
export interface Shard {
  readonly index: number
  readonly of: number
}

export const MOST_SHARDS = 64

const utf8 = new TextEncoder()

/**
 * Which shard a key belongs to: FNV-1a, 32 bits, over its UTF-8 bytes, the bits mixed as MurmurHash3
 * ends (`fmix32`), modulo the number of shards. The same in every process and release: keys would
 * change hands otherwise, and lose their order.
 */
export function shardOf(key: string, shards: number): number {
  let hash = 0x811c9dc5
  for (const byte of utf8.encode(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % shards
}

/** Whether a key is that of a shard; every key, without one. */
export function ownsKey(shard: Shard | undefined, key: string): boolean {
  return shard === undefined || shardOf(key, shard.of) === shard.index
}

/** What the lease and the progress of a shard are kept under. Names of subscriptions have no '#'. */
export function shardName(name: string, { index, of }: Shard): string {
  return `${name}#${index}/${of}`
}

/** What is kept for all shards together: from where the generation begins. The name itself, without shards. */
export function layoutName(name: string, shards: number): string {
  return shards === 1 ? name : `${name}#${shards}`
}

/** What the lease of one of the processes that share the shards is kept under. */
export function placeName(name: string, place: number): string {
  return `${name}#process-${place}`
}

/** Whether records under this name belong to a shard, or to all of them, and not to what people know. */
export function isOfShards(recordName: string): boolean {
  return recordName.includes('#')
}

/** What a record is about. */
export function readRecordName(recordName: string): {
  readonly name: string
  readonly shards: number
  readonly index: number | undefined
} {
  const [name = '', rest] = recordName.split('#')
  if (rest === undefined) return { name, shards: 1, index: undefined }
  const [first, of] = rest.split('/')
  if (of === undefined) return { name, shards: Number(first), index: undefined }
  return { name, shards: Number(of), index: Number(first) }
}
