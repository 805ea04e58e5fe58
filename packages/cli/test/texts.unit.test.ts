import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCodes } from 'tidings/contract'
import { describe, expect, test } from 'vitest'
import { en } from '../src/texts/en.ts'
import type { TextKey } from '../src/texts/keys.ts'
import { chooseLanguage, fillSlots, loadTexts } from '../src/texts/texts.ts'
import { zhErrors } from '../src/texts/zh-errors.ts'
import { zh } from '../src/texts/zh.ts'

const source = join(import.meta.dirname, '../src')
const files = globSync('**/*.ts', { cwd: source })
  .filter((file) => !file.startsWith('texts/'))
  .map((file) => ({ file, code: readFileSync(join(source, file), 'utf8') }))

const keys = Object.keys(en) as TextKey[]

function slotsOf(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(/\{(\w+)/g), ([, name = '']) => name))].toSorted()
}

/** Quoted texts and templates of a file, comments and imports left out. */
function literalsOf(code: string): string[] {
  const bare = code
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/^(?:import|export) [\s\S]*?from '.*?'$/gm, '')
  return Array.from(
    bare.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g),
    ([, a, b, c]) => (a ?? b ?? c ?? '').replace(/\$\{[^}]*\}/g, ''),
  )
}

/** Whether a person would read it as words: two of them, or one with a capital and a full stop. */
function isProse(literal: string): boolean {
  return /[A-Za-z]{2,}[,:]? [A-Za-z]{2,}/.test(literal) || /\p{Script=Han}/u.test(literal)
}

describe('the catalogue', () => {
  test('has the same keys in both languages', () => {
    expect(Object.keys(zh).toSorted()).toEqual(keys.toSorted())
  })

  test.each(keys)('%s has the same slots in both languages', (key) => {
    expect(slotsOf(zh[key])).toEqual(slotsOf(en[key]))
  })

  test('is Chinese in Chinese', () => {
    const sameAsSlot = keys.filter((key) => !/\p{Script=Han}/u.test(zh[key]))
    // These hold nothing but slots and marks.
    expect(sameAsSlot.map((key) => zh[key].replace(/\{\w+\}|\W/g, ''))).toEqual(
      sameAsSlot.map(() => ''),
    )
  })

  test('holds no text that the sources do not use', () => {
    const code = files.map((file) => file.code).join('\n')
    expect(keys.filter((key) => !code.includes(`'${key}'`))).toEqual([])
  })

  test('explains every error code of the library in Chinese', () => {
    expect(Object.keys(zhErrors).toSorted()).toEqual(Object.keys(errorCodes).toSorted())
    for (const text of Object.values(zhErrors)) expect(text).toMatch(/\p{Script=Han}/u)
  })
})

describe('texts outside the catalogue', () => {
  // SQL is no text for a person; the tables of verbs say what a person types.
  const allowed = (file: string, literal: string): boolean =>
    /^(?:select|pragma) /.test(literal) || file.startsWith('arguments/')

  test('there are none in the sources', () => {
    const found = files.flatMap(({ file, code }) =>
      literalsOf(code)
        .filter((literal) => isProse(literal) && !allowed(file, literal))
        .map((literal) => `${file}: ${literal}`),
    )
    expect(found).toEqual([])
  })

  test('would be found', () => {
    const planted =
      "await out.line('Nothing was found')\nout.note(`stored ${count} of them`)\n// 'a comment of words'\n"
    expect(literalsOf(planted).filter(isProse)).toEqual(['Nothing was found', 'stored  of them'])
  })
})

describe('fillSlots', () => {
  test('sets values in, numbers with their thousands apart', () => {
    expect(fillSlots('{name}: {count}', { name: 'a', count: 1234567 })).toBe('a: 1,234,567')
  })

  test('picks a word by a number', () => {
    const text = '{n} {n|line|lines}'
    expect([0, 1, 2].map((n) => fillSlots(text, { n }))).toEqual(['0 lines', '1 line', '2 lines'])
  })

  test('leaves alone what came in as a value', () => {
    expect(fillSlots('{a} {b}', { a: '{b}', b: 'x' })).toBe('{b} x')
  })
})

describe('chooseLanguage', () => {
  test.each([
    [undefined, { LANG: 'zh_CN.UTF-8' }, 'zh'],
    [undefined, { LANG: 'zh' }, 'zh'],
    [undefined, { LANG: 'de_DE.UTF-8' }, 'en'],
    [undefined, {}, 'en'],
    [undefined, { LC_ALL: 'en_US.UTF-8', LANG: 'zh_CN.UTF-8' }, 'en'],
    [undefined, { LC_ALL: '', LANG: 'zh_TW' }, 'zh'],
    ['en', { LANG: 'zh_CN.UTF-8' }, 'en'],
    ['zh', { LANG: 'C' }, 'zh'],
  ] as const)('--lang %s in %o is %s', (asked, env, language) => {
    expect(chooseLanguage(asked, env)).toBe(language)
  })

  test('loads what it chose', async () => {
    expect((await loadTexts('zh'))('help.usage')).toBe('用法')
    expect((await loadTexts('en'))('help.usage')).toBe('Usage')
  })
})
