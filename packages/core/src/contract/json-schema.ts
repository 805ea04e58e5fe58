/** Where a value does not fit a JSON Schema. */
export interface SchemaFault {
  /** JSON pointer. */
  readonly pointer: string
  readonly expected: string
  /** Shortened. */
  readonly actual: string
}

type Schema = Readonly<Record<string, unknown>>

interface Place {
  readonly root: Schema
  readonly pointer: string
  readonly depth: number
}

type Rule = (limit: never, value: never, schema: Schema, place: Place) => SchemaFault | undefined

/**
 * The first place where a value does not fit a schema of draft 2020-12. It knows the words that
 * Standard Schema libraries write; one that it does not know, `format` among them, restricts nothing,
 * as the draft has it; `oneOf` is read as `anyOf`. Not for schemas from strangers: `pattern` runs as it stands.
 */
export function findSchemaFault(schema: Schema, value: unknown): SchemaFault | undefined {
  return check(schema, value, { root: schema, pointer: '', depth: 0 })
}

const DEPTH_LIMIT = 200

function check(schema: unknown, value: unknown, place: Place): SchemaFault | undefined {
  if (schema === true || place.depth > DEPTH_LIMIT) return undefined
  if (schema === false) return fault(place, 'nothing here', value)
  if (!isObject(schema)) return undefined
  for (const word in schema) {
    const found = rules[word]?.(schema[word] as never, value as never, schema, {
      ...place,
      depth: place.depth + 1,
    })
    if (found !== undefined) return found
  }
  return undefined
}

const rules: Readonly<Record<string, Rule>> = {
  $ref: (reference: string, value, _, place) => check(resolve(reference, place.root), value, place),
  type: (wanted: string | string[], value: unknown, _, place) => {
    const kinds = Array.isArray(wanted) ? wanted : [wanted]
    return kinds.some((kind) => isKind(value, kind))
      ? undefined
      : fault(place, kinds.join(' or '), value)
  },
  const: (wanted: unknown, value: unknown, _, place) =>
    isSame(wanted, value) ? undefined : fault(place, JSON.stringify(wanted), value),
  enum: (wanted: unknown[], value: unknown, _, place) =>
    wanted.some((one) => isSame(one, value))
      ? undefined
      : fault(place, `one of ${JSON.stringify(wanted)}`, value),
  minLength: (least: number, value: unknown, _, place) =>
    isText(value) && characters(value) < least
      ? fault(place, `at least ${least} characters`, value)
      : undefined,
  maxLength: (most: number, value: unknown, _, place) =>
    isText(value) && characters(value) > most
      ? fault(place, `at most ${most} characters`, value)
      : undefined,
  pattern: (pattern: string, value: unknown, _, place) =>
    isText(value) && !expression(pattern).test(value)
      ? fault(place, `text that fits ${pattern}`, value)
      : undefined,
  minimum: (least: number, value: unknown, _, place) =>
    isNumber(value) && value < least ? fault(place, `at least ${least}`, value) : undefined,
  maximum: (most: number, value: unknown, _, place) =>
    isNumber(value) && value > most ? fault(place, `at most ${most}`, value) : undefined,
  exclusiveMinimum: (limit: number, value: unknown, _, place) =>
    isNumber(value) && value <= limit ? fault(place, `more than ${limit}`, value) : undefined,
  exclusiveMaximum: (limit: number, value: unknown, _, place) =>
    isNumber(value) && value >= limit ? fault(place, `less than ${limit}`, value) : undefined,
  multipleOf: (step: number, value: unknown, _, place) =>
    isNumber(value) && !isMultiple(value, step)
      ? fault(place, `a multiple of ${step}`, value)
      : undefined,
  minItems: (least: number, value: unknown, _, place) =>
    Array.isArray(value) && value.length < least
      ? fault(place, `at least ${least} items`, value)
      : undefined,
  maxItems: (most: number, value: unknown, _, place) =>
    Array.isArray(value) && value.length > most
      ? fault(place, `at most ${most} items`, value)
      : undefined,
  prefixItems: (schemas: unknown[], value: unknown, _, place) =>
    Array.isArray(value)
      ? first(schemas.slice(0, value.length), (item, index) =>
          check(item, value[index], below(place, index)),
        )
      : undefined,
  items: (items: unknown, value: unknown, { prefixItems }, place) => {
    if (!Array.isArray(value)) return undefined
    const skipped = Array.isArray(prefixItems) ? prefixItems.length : 0
    return first(value.slice(skipped), (item, index) =>
      check(items, item, below(place, index + skipped)),
    )
  },
  required: (names: string[], value: unknown, _, place) =>
    isObject(value)
      ? first(names, (name) =>
          Object.hasOwn(value, name) ? undefined : fault(below(place, name), 'a value', undefined),
        )
      : undefined,
  properties: (schemas: Schema, value: unknown, _, place) =>
    isObject(value)
      ? first(Object.keys(schemas), (name) =>
          Object.hasOwn(value, name)
            ? check(schemas[name], value[name], below(place, name))
            : undefined,
        )
      : undefined,
  propertyNames: (names: unknown, value: unknown, _, place) =>
    isObject(value)
      ? first(Object.keys(value), (name) => check(names, name, below(place, name)))
      : undefined,
  additionalProperties: (
    rest: unknown,
    value: unknown,
    { properties, patternProperties },
    place,
  ) => {
    if (!isObject(value)) return undefined
    const known = isObject(properties) ? properties : {}
    const patterns = isObject(patternProperties)
      ? Object.keys(patternProperties).map(expression)
      : []
    const names = Object.keys(value).filter(
      (name) => !Object.hasOwn(known, name) && !patterns.some((pattern) => pattern.test(name)),
    )
    return first(names, (name) => check(rest, value[name], below(place, name)))
  },
  patternProperties: (schemas: Schema, value: unknown, _, place) =>
    isObject(value)
      ? first(Object.keys(schemas), (pattern) => {
          const names = Object.keys(value).filter((name) => expression(pattern).test(name))
          return first(names, (name) => check(schemas[pattern], value[name], below(place, name)))
        })
      : undefined,
  allOf: (schemas: unknown[], value: unknown, _, place) =>
    first(schemas, (schema) => check(schema, value, place)),
  anyOf: (schemas: unknown[], value: unknown, _, place) => checkChoice(schemas, value, place),
  oneOf: (schemas: unknown[], value: unknown, _, place) => checkChoice(schemas, value, place),
  not: (schema: unknown, value: unknown, _, place) =>
    check(schema, value, place) === undefined ? fault(place, 'something else', value) : undefined,
}

/**
 * Of the faults of all choices the deepest: it belongs to the choice that was meant. Where choices say
 * by a constant which one they are, only the one that is named counts.
 */
function checkChoice(
  schemas: readonly unknown[],
  value: unknown,
  place: Place,
): SchemaFault | undefined {
  const named = schemas.filter((schema) => !isOtherForm(schema, value))
  let deepest: SchemaFault | undefined
  for (const schema of named.length > 0 ? named : schemas) {
    const found = check(schema, value, place)
    if (found === undefined) return undefined
    if (deepest === undefined || found.pointer.length > deepest.pointer.length) deepest = found
  }
  const undecided = deepest?.pointer === place.pointer && schemas.length > 1
  return undecided ? fault(place, `one of ${schemas.length} forms`, value) : deepest
}

/** Whether a constant of this form, `type: 'x'` for example, says that the value is of another one. */
function isOtherForm(schema: unknown, value: unknown): boolean {
  if (!isObject(schema) || !isObject(schema['properties']) || !isObject(value)) return false
  return Object.entries(schema['properties']).some(
    ([name, property]) =>
      isObject(property) && 'const' in property && !isSame(property['const'], value[name]),
  )
}

function first<Item>(
  items: readonly Item[],
  find: (item: Item, index: number) => SchemaFault | undefined,
): SchemaFault | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index)
    if (found !== undefined) return found
  }
  return undefined
}

function below(place: Place, step: string | number): Place {
  return {
    ...place,
    pointer: `${place.pointer}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`,
  }
}

const SHOWN_CHARACTERS = 80

function fault({ pointer }: Place, expected: string, value: unknown): SchemaFault {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return {
    pointer,
    expected,
    actual: text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text,
  }
}

function resolve(reference: string, root: Schema): unknown {
  if (!reference.startsWith('#')) return true
  const steps = reference.slice(1).split('/').slice(1)
  let found: unknown = root
  for (const step of steps) {
    if (!isObject(found)) return true
    found = found[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return found
}

const expressions = new Map<string, RegExp>()

function expression(pattern: string): RegExp {
  let compiled = expressions.get(pattern)
  if (compiled === undefined) {
    compiled = new RegExp(pattern, 'u')
    expressions.set(pattern, compiled)
  }
  return compiled
}

function isKind(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === kind
  }
}

function isMultiple(value: number, step: number): boolean {
  // 0.3 / 0.1 is 2.9999999999999996: a multiple all the same.
  const ratio = value / step
  return Math.abs(ratio - Math.round(ratio)) <= Number.EPSILON * Math.max(1, Math.abs(ratio)) * 4
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function characters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
