import type { en } from './en.ts'

/** Every text that a person may read has a key; the English catalogue is the list of them. */
export type TextKey = keyof typeof en

/** A catalogue in another language: the same keys. That the slots agree is a test's to check. */
export type Catalogue = { readonly [Key in TextKey]: string }

type SlotNames<Text extends string> = Text extends `${string}{${infer Slot}}${infer Rest}`
  ? (Slot extends `${infer Name}|${string}` ? Name : Slot) | SlotNames<Rest>
  : never

type Slots<Key extends TextKey> = SlotNames<(typeof en)[Key]>

/** Texts without slots: those that a table may name. */
export type PlainTextKey = { [Key in TextKey]: [Slots<Key>] extends [never] ? Key : never }[TextKey]

/** What a text needs: nothing, or a value for each of its slots. */
export type TextParameters<Key extends TextKey> = [Slots<Key>] extends [never]
  ? []
  : [{ readonly [Name in Slots<Key>]: string | number }]
