import { expect, test } from 'vitest'
import { welcome } from '../src/welcome.ts'

const lines = (url: string, wantedPort: number, store = 'sqlite:a.db'): readonly string[] =>
  welcome({ url, wantedPort, store, topicsFile: 'a.ndjson' }).split('\n')

test('lines for curl and for tidings, all of this address and this log', () => {
  const printed = lines('http://127.0.0.1:3000', 3000)
  const curl = printed.filter((line) => line.startsWith('  curl '))
  const tidings = printed.filter((line) => line.startsWith('  npx tidings '))
  expect([curl.length, tidings.length]).toEqual([7, 6])
  for (const line of curl) expect(line).toContain('http://127.0.0.1:3000/')
  for (const line of tidings) expect(line).toMatch(/--store sqlite:a.db$/)
})

test.each([
  ['as it is', 'postgres://me@host:5432/app', '--store postgres://me@host:5432/app'],
  ['in quotes', 'postgres:///app?schema=a&host=b', "--store 'postgres:///app?schema=a&host=b'"],
  ['without its password', 'postgres://me:secret@host/app', '--store "$TIDINGS_STORE"'],
])('an address is printed %s', (_how, store, printed) => {
  const all = lines('http://127.0.0.1:3000', 3000, store)
  expect(all.join('\n')).not.toContain('secret')
  for (const line of all.filter((line) => line.startsWith('  npx tidings ')))
    expect(line.endsWith(printed), line).toBe(true)
})

test.each([
  ['the port that was asked for', 'http://127.0.0.1:3000', 3000, /^The todo service answers/],
  ['any port', 'http://127.0.0.1:3917', 0, /^The todo service answers/],
  ['another than was asked for', 'http://127.0.0.1:3917', 3000, /^Port 3000 is taken/],
])('the first line on %s', (_what, url, wantedPort, first) => {
  expect(lines(url, wantedPort)[0]).toMatch(first)
})
