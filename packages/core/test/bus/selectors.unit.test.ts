import { expect, test } from 'vitest'
import { ofType, openBus } from '../support/open-bus.ts'

const TYPES = ['a', 'a.b', 'a.xb', 'a.bx', 'a.b.c', 'a.x.b', 'a.x.y.b', 'ab', 'ab.b', 'x.a.b']

/** What a listener hears of all the types. */
async function heardBy(selector: string): Promise<readonly string[]> {
  const { bus } = openBus()
  const heard: string[] = []
  bus.subscribe(selector, ({ eventType }) => void heard.push(eventType))
  for (const type of TYPES) await bus.publish(ofType(type))
  return heard
}

test.each([
  ['a star is one segment', 'a.*', ['a.b', 'a.xb', 'a.bx']],
  ['a star beside letters is the rest of the segment', 'a.*b', ['a.b', 'a.xb']],
  ['two stars are any number of segments, none included', 'a.**', TYPES.slice(0, 7)],
  ['also in the middle', 'a.**.b', ['a.b', 'a.x.b', 'a.x.y.b']],
  ['also at the beginning', '**.b', ['a.b', 'a.x.b', 'a.x.y.b', 'ab.b', 'x.a.b']],
  // Only a segment of exactly two stars stands for many. No page says what these two mean.
  ['three stars are one segment', 'a.***', ['a.b', 'a.xb', 'a.bx']],
  ['two stars beside letters are one star', 'a.**b', ['a.b', 'a.xb']],
])("%s: '%s'", async (_promise, selector, expected) => {
  expect(await heardBy(selector)).toEqual(expected)
})
