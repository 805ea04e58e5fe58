import { appendBatch } from './append-function.ts'
import { appendPlain } from './append-plain.ts'
import type { Migration } from './migration.ts'

/**
 * Functions that append and say what the last position was before: so a process knows that nothing lies
 * between, and need not read back what it has written. The old one stays for older versions, and for what
 * is appended at the COMMIT of a foreign transaction.
 *
 * None of them may be compiled: rows made of arrays are taken to be a thousand, and a server with LLVM then
 * spends 600 ms on the machine code of an append that takes a third of a millisecond.
 */
export const handedOver: Migration = {
  number: 5,
  minimumReader: 1,
  sql: `${appendBatch}${appendPlain}
alter function SCHEMA.append_events set jit = off;
alter function SCHEMA.append_batch set jit = off;
alter function SCHEMA.append_plain set jit = off;`,
}
