/**
 * SHA-1 of bytes, or of a text's UTF-8 bytes, as five 32-bit words.
 *
 * Written by hand because the contract layer also runs in browsers, where the platform's only
 * digest is asynchronous. It names things (RFC 9562 asks for SHA-1 in version 5 ids), it protects
 * nothing.
 */
export function sha1(input: string | Uint8Array): Uint32Array {
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  const schedule = new Uint32Array(80)
  const blocks = pad(typeof input === 'string' ? utf8.encode(input) : input)
  for (let offset = 0; offset < blocks.byteLength; offset += 64)
    mixBlock(state, schedule, blocks, offset)
  return state
}

const utf8 = new TextEncoder()

function pad(bytes: Uint8Array): DataView {
  const padded = new Uint8Array(((bytes.length + 8) >> 6) * 64 + 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x2000_0000))
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0)
  return view
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

function mixBlock(state: Uint32Array, w: Uint32Array, blocks: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) w[i] = blocks.getUint32(offset + i * 4)
  for (let i = 16; i < 80; i++) w[i] = rotate(w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!, 1)
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number]
  for (let i = 0; i < 80; i++) {
    const mixed = (rotate(a, 5) + roundFunction(i, b, c, d) + e + w[i]!) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = mixed
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
}

function roundFunction(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}
