import { deepFreeze } from '../../contract/json.ts'

/** As a database would give it back: a value of its own, without members that are undefined. */
export function jsonCopy<Value>(value: Value): Value {
  return deepFreeze(JSON.parse(JSON.stringify(value)) as Value)
}
