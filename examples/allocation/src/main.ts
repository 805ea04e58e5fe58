import { mkdirSync } from 'node:fs'
import { ndjsonPublisher, runUntilSignal } from 'tidings'
import { printedMail } from './mail.ts'
import { openLog } from './open-log.ts'
import { startService } from './service.ts'

const FOLDER = '.tidings'
const given = process.env['TIDINGS_STORE'] || undefined
const address = given ?? `sqlite:${FOLDER}/allocation.db`
mkdirSync(FOLDER, { recursive: true })
const service = await startService({
  store: openLog(address),
  mail: printedMail(console.log),
  publisher: ndjsonPublisher(`${FOLDER}/allocation-topics.ndjson`),
  port: Number(process.env['PORT'] ?? 0),
})
const { app, url } = service
const json = `-H 'Content-Type: application/json' -d`
console.log(`Allocation answers on ${url}.

  curl ${url}/batches ${json} '{"ref":"here","sku":"CHAIR","qty":10}'
  curl ${url}/batches ${json} '{"ref":"ship","sku":"CHAIR","qty":10,"eta":"2030-01-01"}'
  curl ${url}/allocations ${json} '{"orderId":"o1","sku":"CHAIR","qty":8}'
  curl -X PUT ${url}/batches/here/quantity ${json} '{"sku":"CHAIR","qty":5}'
  curl ${url}/allocations/o1

  npx tidings events${given === undefined ? ` --store ${address}` : ''}
  cat ${FOLDER}/allocation-topics.ndjson

Ctrl-C stops.`)
app.bus.subscribe('Allocation.**', ({ eventType, payload }) => {
  console.log(`  ${eventType} ${JSON.stringify(payload)}`)
})
await runUntilSignal(app, { beforeClose: () => service.close() })
