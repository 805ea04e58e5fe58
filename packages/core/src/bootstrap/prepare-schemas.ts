import type { AnyDefinition } from '../contract/definition.ts'

/**
 * Makes zod schemas fast (`z.compile`, about four times) where zod is there: it is an optional peer,
 * and whoever defines with it has it.
 */
export async function prepareSchemas(definitions: readonly AnyDefinition[]): Promise<void> {
  if (!definitions.some((definition) => definition.schema['~standard'].vendor === 'zod')) return
  try {
    await import('../contract/zod-schemas.ts')
  } catch (error) {
    // A zod that lies elsewhere, or is too old for z.compile, checks the same, only slower.
    if (!isMissingModule(error)) throw error
  }
}

function isMissingModule(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND'
}
