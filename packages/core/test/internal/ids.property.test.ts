import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createIdSource,
  deriveId,
  idTime,
  isLowerUuid,
  isUuid,
  nameId,
  newId,
} from '../../src/internal/ids.ts'
import { sha1 } from '../../src/internal/sha1.ts'

const LATE = 0xffff_ffff_ffff
const time = fc.integer({ min: 0, max: LATE })

function hex(words: Uint32Array): string {
  return Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')
}

function versionOf(id: string): string {
  return id.charAt(14)
}

it('sha1 is what node:crypto says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(hex(sha1(text))).toBe(createHash('sha1').update(text, 'utf8').digest('hex'))
    }),
  )
  // Each length around a block's end, where the padding changes.
  for (let length = 0; length < 200; length++) {
    expect(hex(sha1('x'.repeat(length)))).toBe(
      createHash('sha1').update('x'.repeat(length)).digest('hex'),
    )
  }
})

/** The layout of RFC 9562, told another way: 16 bytes with version and variant put in. */
function layOut(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

describe('derived ids', () => {
  it('a name id is a UUIDv5 in form, and the same for the same text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(isUuid(nameId(a))).toBe(true)
        expect(versionOf(nameId(a))).toBe('5')
        expect(nameId(a) === nameId(b)).toBe(a === b)
      }),
    )
  })

  it('a name id is the uuid5 that every other language makes of it', () => {
    const namespace = Buffer.from('9674f52d1f2e5dbc84d30d4157dfeea5', 'hex')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const digest = createHash('sha1').update(namespace).update(text, 'utf8').digest()
        expect(nameId(text)).toBe(layOut(digest.subarray(0, 16), 5))
      }),
    )
    // As Python's uuid.uuid5 says them.
    expect(nameId('flow-1')).toBe('6518ce66-8902-52e0-aa60-bc044722cb00')
    expect(nameId('流程 7')).toBe('f7f4019a-1743-553a-911d-8299e8e9ae91')
  })

  it('a derived id is the time, and the digest of its parts', () => {
    fc.assert(
      fc.property(time, fc.string({ unit: 'binary' }), (ms, part) => {
        const digest = createHash('sha1').update(`${part.length}:${part}`, 'utf8').digest()
        const bytes = Buffer.alloc(16)
        bytes.writeUIntBE(ms, 0, 6)
        bytes.writeUInt16BE(digest.readUInt32BE(0) >>> 20, 6)
        digest.copy(bytes, 8, 8, 16)
        expect(deriveId(ms, part)).toBe(layOut(bytes, 8))
      }),
    )
  })

  it('a derived id is a UUIDv8 that begins with the time, and differs with every part', () => {
    fc.assert(
      fc.property(time, fc.array(fc.string(), { minLength: 1 }), fc.string(), (ms, parts, more) => {
        const id = deriveId(ms, ...parts)
        expect(isUuid(id)).toBe(true)
        expect(versionOf(id)).toBe('8')
        expect(idTime(id)).toBe(ms)
        expect(deriveId(ms, ...parts)).toBe(id)
        expect(deriveId(ms, ...parts, more)).not.toBe(id)
      }),
    )
  })

  it('parts are told apart by where they end', () => {
    expect(deriveId(0, 'ab', 'c')).not.toBe(deriveId(0, 'a', 'bc'))
    expect(deriveId(0, '1:a')).not.toBe(deriveId(0, 'a'))
  })
})

it('a text is a UUID exactly where the pattern of RFC 9562 says so, whatever is changed in it', () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const unit = fc.constantFrom(...Array.from('0789abcfgABFG-/:`@\n\0é'))
  const spoilt = fc
    .tuple(fc.uuid(), fc.nat(36), fc.string({ unit, maxLength: 2 }), fc.nat(2))
    .map(([id, at, text, gone]) => id.slice(0, at) + text + id.slice(at + gone))
  const upper = fc.uuid().map((id) => id.toUpperCase())
  fc.assert(
    fc.property(fc.oneof(fc.uuid(), upper, spoilt), (text) => {
      expect(isLowerUuid(text)).toBe(pattern.test(text))
      expect(isUuid(text)).toBe(new RegExp(pattern, 'i').test(text))
    }),
    { numRuns: 3000 },
  )
})

describe('new ids', () => {
  it('rise whatever the clock does: bursts, steps back, leaps', () => {
    const step = fc.oneof(fc.constant(0), fc.integer({ min: -5000, max: 5000 }))
    fc.assert(
      fc.property(time, fc.array(step, { maxLength: 200 }), (start, steps) => {
        const source = createIdSource()
        let now = start
        let last = source.newId(now)
        for (const delta of steps) {
          now = Math.min(LATE, Math.max(0, now + delta))
          const id = source.newId(now)
          expect(isUuid(id) && versionOf(id) === '7').toBe(true)
          expect(id > last).toBe(true)
          last = id
        }
      }),
    )
  })

  it('carry the time they were made at', () => {
    fc.assert(
      fc.property(time, (ms) => {
        expect(idTime(createIdSource().newId(ms))).toBe(ms)
      }),
    )
    expect(Math.abs(idTime(newId()) - Date.now())).toBeLessThan(1000)
  })

  it('keep rising past the counter: more than 2^18 in one millisecond borrow from the next', () => {
    // Every random bit set: the counter starts as high as it can.
    const source = createIdSource((bytes) => bytes.fill(0xff))
    let last = source.newId(1000)
    let falls = 0
    for (let count = 1; count < 300_000; count++) {
      const id = source.newId(1000)
      if (id <= last) falls++
      last = id
    }
    expect(falls).toBe(0)
    expect(idTime(last)).toBe(1001)
  })

  it('of two sources differ within the same millisecond', () => {
    const [one, two] = [createIdSource(), createIdSource()]
    const ids = Array.from({ length: 1000 }, () => [one.newId(5), two.newId(5)]).flat()
    expect(new Set(ids).size).toBe(2000)
  })
})
