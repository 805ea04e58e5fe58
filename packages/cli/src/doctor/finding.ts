/** What one check found. */
export interface Finding {
  /** A word that stays the same, for programs. */
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly text: string
  /** What to do about it; undefined where nothing is to be done. */
  readonly todo?: string | undefined
}

export function ok(check: string, text: string): Finding {
  return { check, state: 'ok', text }
}

export function warn(check: string, text: string, todo: string): Finding {
  return { check, state: 'warn', text, todo }
}

export function fail(check: string, text: string, todo: string): Finding {
  return { check, state: 'fail', text, todo }
}
