/** The options, and what holds where one is not said: left out, or undefined. */
export function withDefaults<All extends object>(defaults: All, options: Partial<All>): All {
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(said) as Partial<All>) }
}
