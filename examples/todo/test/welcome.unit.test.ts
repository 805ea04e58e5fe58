import { expect, test } from 'vitest'
import { welcome } from '../src/welcome.ts'

const lines = (url: string, wantedPort: number): readonly string[] =>
  welcome({ url, wantedPort, file: 'a.db' }).split('\n')

test('three lines for curl and three for tidings, all of this address and this log', () => {
  const printed = lines('http://127.0.0.1:3000', 3000)
  const curl = printed.filter((line) => line.startsWith('  curl '))
  const tidings = printed.filter((line) => line.startsWith('  npx tidings '))
  expect(curl.map((line) => line.includes('http://127.0.0.1:3000/'))).toEqual([true, true, true])
  expect(tidings.map((line) => line.endsWith('--store sqlite:a.db'))).toEqual([true, true, true])
})

test.each([
  ['the port that was asked for', 'http://127.0.0.1:3000', 3000, /^The todo service answers/],
  ['any port', 'http://127.0.0.1:3917', 0, /^The todo service answers/],
  ['another than was asked for', 'http://127.0.0.1:3917', 3000, /^Port 3000 is taken/],
])('the first line on %s', (_what, url, wantedPort, first) => {
  expect(lines(url, wantedPort)[0]).toMatch(first)
})
