// npm run soak [-- --events 20000000]: many events through one bus, and a heap that stays flat.
import { parseArgs } from 'node:util'
import { soakBus } from './soak-bus.ts'

const { values } = parseArgs({ options: { events: { type: 'string', default: '20000000' } } })
const start = performance.now()
const totals = await soakBus({
  count: Number(values.events),
  checks: 20,
  onProgress: (line) => console.log(line),
})
const seconds = (performance.now() - start) / 1000
const { published, queued, batched, windowed, baseBytes, highestBytes } = totals
const all = published + queued + batched + windowed
console.log(
  `flat: ${all} events in ${seconds.toFixed(0)} s: ${published} published, ${queued} queued, ${batched} batched, ${windowed} in windows; heap ${(baseBytes / 1e6).toFixed(1)} MB at first, ${(highestBytes / 1e6).toFixed(1)} MB at the most`,
)
