/**
 * The sources of an application of many modules, for measuring the compiler: each module with five
 * zod schemas, events and commands and one aggregate; an application that sends and listens.
 */

/** How much of the application is written. */
export type Part = 'schemas' | 'modules' | 'app'

const VERBS = ['Created', 'Updated', 'Confirmed', 'Completed', 'Cancelled'] as const
const COMMANDS = ['Create', 'Update', 'Confirm', 'Complete', 'Cancel'] as const

export interface AppPlan {
  readonly modules: number
  /** Modules that the application sends a command to. */
  readonly sends: number
  /** Modules that the application listens to. */
  readonly listeners: number
}

/** File name → text. */
export function generateApp(part: Part, plan: AppPlan): Map<string, string> {
  const files = new Map<string, string>()
  const names = Array.from({ length: plan.modules }, (_, n) => `area${String(n).padStart(3, '0')}`)
  for (const name of names) files.set(`${name}.ts`, moduleText(name, part))
  if (part === 'app') files.set('app.ts', appText(names, plan))
  return files
}

function capital(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
}

function moduleText(name: string, part: Part): string {
  const type = `${capital(name)}.Order`
  const schemas = VERBS.map((verb, n) => schemaText(`${verb}Payload`, n)).join('\n')
  const head = `import * as z from 'zod'\n`
  if (part === 'schemas') return `${head}\n${schemas}\n${VERBS.map(useOf).join('\n')}\n`
  return [
    head + `import { defineAggregate, defineCommand, defineEvent, defineModule } from 'tidings'`,
    schemas,
    ...VERBS.map(
      (verb) =>
        `export const Order${verb} = defineEvent('${type}.${verb}', { payload: ${verb}Payload })`,
    ),
    ...COMMANDS.map(
      (verb, n) =>
        `export const ${verb}Order = defineCommand('${type}.${verb}', { payload: ${VERBS[n] ?? ''}Payload })`,
    ),
    `interface OrderState { readonly status: 'none' | 'open' | 'done'; readonly title: string; readonly lines: number }`,
    aggregateText(type),
    `export const ${name} = defineModule('${name}', [Order])`,
    '',
  ].join('\n\n')
}

/** Something that asks for the inferred type: the compiler infers no type that nobody asks for. */
function useOf(verb: string): string {
  return `export function cityOf${verb}(payload: z.infer<typeof ${verb}Payload>): string { return payload.address.city }`
}

function schemaText(name: string, n: number): string {
  return `export const ${name} = z.object({
  orderId: z.uuid(),
  title: z.string().max(500),
  quantity: z.int().min(${n}),
  status: z.enum(['open', 'paid', 'sent', 'step${n}']),
  placedAt: z.iso.datetime(),
  note: z.string().optional(),
  tags: z.array(z.string()),
  address: z.object({ street: z.string(), city: z.string(), country: z.string().length(2) }),
})
`
}

function aggregateText(type: string): string {
  const evolve = VERBS.map(
    (verb) =>
      `    '${type}.${verb}': (state, { payload }) => ({ ...state, title: payload.title, lines: state.lines + payload.quantity }),`,
  )
  const decide = COMMANDS.map(
    (verb, n) =>
      `    '${type}.${verb}': (command, state) => (state.status === 'done' ? [] : Order${VERBS[n] ?? ''}({ ...command, note: command.title })),`,
  )
  return `export const Order = defineAggregate('${type}', {
  events: [${VERBS.map((verb) => `Order${verb}`).join(', ')}],
  commands: [${COMMANDS.map((verb) => `${verb}Order`).join(', ')}],
  id: (command) => command.orderId,
  initialState: { status: 'none', title: '', lines: 0 } as OrderState,
  evolve: {
${evolve.join('\n')}
  },
  decide: {
${decide.join('\n')}
  },
})`
}

function appText(names: readonly string[], plan: AppPlan): string {
  const payload = `{ orderId: '01934c5e-7b00-7000-8000-0123456789ab', title: 'x', quantity: 9, status: 'open', placedAt: '2026-11-21T10:00:00.000Z', tags: [], address: { street: '', city: '', country: 'NO' } }`
  return [
    `import { bootstrap, memoryStore } from 'tidings'`,
    ...names.map(
      (name) =>
        `import { ${name}, CreateOrder as Create_${name}, OrderCreated as Created_${name} } from './${name}.ts'`,
    ),
    `const app = await bootstrap({ store: memoryStore(), modules: [${names.join(', ')}] })`,
    ...names
      .slice(0, plan.sends)
      .map(
        (name) =>
          `const sent_${name} = await app.send(Create_${name}, ${payload})\nexport const title_${name}: string = sent_${name}.state.title`,
      ),
    ...names
      .slice(0, plan.listeners)
      .map(
        (name) =>
          `app.bus.subscribe([Created_${name}], (event) => { event.payload.title satisfies string })`,
      ),
    `await app.close()`,
    '',
  ].join('\n')
}
