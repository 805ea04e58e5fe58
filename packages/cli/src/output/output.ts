import { createPaint, type Paint } from './paint.ts'
import { createSink } from './sink.ts'

/** Where a verb writes: results to stdout, everything about them to stderr. */
export interface Output {
  /** The caller wants JSON: then `record` is the only thing on stdout. */
  readonly json: boolean
  /** Results go to a terminal. */
  readonly terminal: boolean
  /** Columns of that terminal. */
  readonly columns: number
  readonly paint: Paint
  /** A line of text on stdout. */
  line(text: string): Promise<void>
  /** Text on stdout as it is. */
  text(text: string): Promise<void>
  /** A JSON value on a line of its own on stdout. */
  record(value: unknown): Promise<void>
  /** A line on stderr for a person; nothing where JSON is wanted. */
  note(text: string): void
  /** Colours for stderr. */
  readonly paintNote: Paint
  /** Everything so far is with the reader. */
  flush(): Promise<void>
}

export function createOutput(json: boolean): Output {
  const { stdout, stderr } = process
  const sink = createSink(stdout)
  return {
    json,
    terminal: stdout.isTTY && !json,
    columns: stdout.columns ?? 80,
    paint: createPaint(stdout),
    line: (text) => sink.write(`${text}\n`),
    text: (text) => sink.write(text),
    record: (value) => sink.write(`${JSON.stringify(value)}\n`),
    note: (text) => {
      if (!json) stderr.write(`${text}\n`)
    },
    paintNote: createPaint(stderr),
    flush: () => sink.flush(),
  }
}
