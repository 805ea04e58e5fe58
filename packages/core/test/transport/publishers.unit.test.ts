import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ndjsonPublisher } from '../../src/transport/ndjson-publisher.ts'
import { createProducer } from '../../src/transport/producer.ts'
import type { OutgoingRecord, Publisher } from '../../src/transport/publisher.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { startMail } from '../support/failing-mail.ts'

const record = (n: number): OutgoingRecord => ({
  topic: 'mail',
  key: 'ann',
  value: JSON.stringify({ n }),
  headers: {},
})

test('a line that a full disk cut does not spoil the next one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-core-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'out.ndjson')
  const publisher = ndjsonPublisher(file)
  onTestFinished(() => publisher.close())
  await publisher.publish([record(1)])
  const other = await open(file, 'r')
  const methods = Object.getPrototypeOf(other) as FileHandle
  await other.close()
  const append = vi.spyOn(methods, 'appendFile').mockImplementationOnce(async function full(
    this: FileHandle,
    text,
  ) {
    await this.write((text as string).slice(0, 10))
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  })
  await expect(publisher.publish([record(2)])).rejects.toThrow('no space left')
  append.mockRestore()
  await publisher.publish([record(2)])
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const whole = lines
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as unknown)
  expect(whole).toMatchObject([{ event: { n: 1 } }, { event: { n: 2 } }])
})

test('a record for which the publisher gives no result was not sent', async () => {
  const silent: Publisher = { publish: async () => [{ ok: true }], close: async () => undefined }
  const { app, ask } = await startMail(memoryStore())
  await ask('ann')
  const [event] = await app.store.readAll().toArray()
  const producer = createProducer(silent)
  const one = { event: event!, topic: 'mail' }
  expect(await producer.publishBatch([one, one, one])).toMatchObject({
    succeeded: 1,
    failures: [{ index: 1 }, { index: 2 }],
  })
})
