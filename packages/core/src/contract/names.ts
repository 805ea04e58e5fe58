const WORD = /[A-Z]+[0-9]*(?![a-z])|[A-Z]?[a-z][a-z0-9]*|[0-9]+/g

/** The words of a name: `CharacterNetwork` → Character, Network; `PDFExported` → PDF, Exported. */
export function splitWords(name: string): readonly string[] {
  return name.match(WORD) ?? []
}

/**
 * The enum name of a dotted one, by rule: `Genesis.Session.CharacterNetwork.Created` →
 * `GENESIS_SESSION_CHARACTER_NETWORK_CREATED`. There is no rule back, since it does not say where a
 * segment ends: ask the registry.
 */
export function toEnumName(type: string): string {
  return splitWords(type).join('_').toUpperCase()
}

/** Whether a text is written as an enum name, in capitals and underscores. */
export function isEnumName(name: string): boolean {
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(name)
}
