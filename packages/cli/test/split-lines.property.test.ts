import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitLines, type Line } from '../src/import/split-lines.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { ignoreBOM: true })

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  let start = 0
  for (const place of [...places, bytes.length]) {
    yield bytes.subarray(start, place)
    start = place
  }
}

async function collect(
  content: string,
  cuts: readonly number[],
  limit = 1_000_000,
): Promise<Line[]> {
  const lines: Line[] = []
  for await (const group of splitLines(inPieces(utf8.encode(content), cuts), limit))
    lines.push(...group)
  return lines
}

/** What an editor shows, blank lines left out. */
function expected(content: string): [number, string][] {
  return content
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, index): [number, string] => [index + 1, line.replace(/\r$/, '')])
    .filter(([, line]) => /[^ \t\r]/.test(line))
}

describe('splitLines', () => {
  const contents = fc
    .array(fc.constantFrom('a', '{"x":1}', '', ' ', '\t', '事件', '\r', 'long '.repeat(20)), {
      maxLength: 20,
    })
    .chain((parts) => fc.constantFrom('\n', '\r\n', '\n\n').map((end) => parts.join(end)))

  test('finds the same lines however the bytes are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.boolean(),
        fc.array(fc.nat(2000), { maxLength: 12 }),
        async (content, bom, cuts) => {
          const whole = (bom ? '\ufeff' : '') + content
          const lines = await collect(whole, cuts)
          expect(lines.map((line) => [line.number, text.decode(line.bytes)])).toEqual(
            expected(whole),
          )
        },
      ),
    )
  })

  test('reads past a line that is too long, and keeps its beginning and its length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1025, max: 9000 }),
        fc.array(fc.nat(9000), { maxLength: 8 }),
        async (length, cuts) => {
          const lines = await collect(`first\n${'x'.repeat(length)}\nlast`, cuts, 1024)
          expect(lines.map(({ number, tooLong }) => [number, tooLong])).toEqual([
            [1, undefined],
            [2, length],
            [3, undefined],
          ])
          expect(text.decode(lines[1]?.bytes)).toBe('x'.repeat(1024))
          expect(text.decode(lines[2]?.bytes)).toBe('last')
        },
      ),
    )
  })

  test('a mark in front of another line than the first is no byte order mark', async () => {
    const lines = await collect('a\n\ufeffb', [])
    expect(text.decode(lines[1]?.bytes)).toBe('\ufeffb')
  })
})
