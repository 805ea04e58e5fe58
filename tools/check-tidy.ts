import { checkAll, describeFault, readRepository } from './repository.ts'

const files = readRepository()
const faults = checkAll(files)
for (const fault of faults) console.error(describeFault(fault))
console.log(`tidy: ${files.size} files, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
