import { readFileSync, writeFileSync } from 'node:fs'
import { root } from './repository.ts'

// Core says its version without reading a file, so that it can be bundled: this writes it down.
const path = `${root}packages/core/src/internal/version.ts`
const { version } = JSON.parse(readFileSync(`${root}packages/core/package.json`, 'utf8')) as {
  version: string
}
writeFileSync(path, readFileSync(path, 'utf8').replace(/'\d+\.\d+\.\d+[^']*'/, `'${version}'`))
