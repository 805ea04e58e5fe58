import * as z from 'zod'
import { registerSchemaCompiler } from './payload.ts'

// This file is imported for its effect alone (`import 'tidings/zod'`, and by bootstrap): zod schemas are compiled once each, before their
// first use (4.1 µs → 1.2 µs for an envelope-sized payload).
registerSchemaCompiler('zod', (schema) => {
  // A Standard Schema of the vendor 'zod' is also one of zod/mini, of version 3 inside a zod 4
  // package, and of another copy; and before 4.5 there is no compile. They all check as they are.
  if (typeof (z as { compile?: unknown }).compile !== 'function' || !isZod4(schema)) return schema
  // Gives the schema back unchanged where it cannot compile it: recursion, z.json(), no eval allowed.
  return z.compile(schema)
})

function isZod4(schema: object): schema is typeof schema & z.ZodType {
  return '_zod' in schema
}
