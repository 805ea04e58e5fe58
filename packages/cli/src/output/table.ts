import type { Output } from './output.ts'
import type { Style } from './paint.ts'
import { clip, displayWidth, pad, printable } from './width.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** What a pipe gets where that differs: no thousands apart, no shortening. */
  readonly plain?: (row: Row) => string
  /** How a cell is painted on a terminal. */
  readonly style?: (row: Row) => Style
}

/**
 * Lists rows: aligned under titles on a terminal, separated by tabs in a pipe. Rows come page by page;
 * a column grows with the pages but never shrinks, so a long list stays readable without being held.
 */
export interface Table<Row> {
  add(rows: readonly Row[]): Promise<void>
}

export function createTable<Row>(output: Output, columns: readonly Column<Row>[]): Table<Row> {
  return output.terminal ? alignedTable(output, columns) : plainTable(output, columns)
}

function plainTable<Row>(output: Output, columns: readonly Column<Row>[]): Table<Row> {
  return {
    async add(rows) {
      for (const row of rows) {
        await output.line(
          columns.map(({ value, plain }) => printable((plain ?? value)(row))).join('\t'),
        )
      }
    },
  }
}

const GAP = '  '

function alignedTable<Row>(output: Output, columns: readonly Column<Row>[]): Table<Row> {
  const widths = columns.map(({ title }) => displayWidth(title))
  let started = false

  const format = (cells: readonly string[], row?: Row): string => {
    const padded = cells.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
    const line = clip(padded.join(GAP).trimEnd(), output.columns)
    return row === undefined ? line : paintCells(line, padded, row)
  }

  /** After the line was cut to its width: what paints takes no columns. From the end, so that places hold. */
  const paintCells = (line: string, padded: readonly string[], row: Row): string => {
    let painted = line
    let end = padded.join(GAP).length
    for (const [index, cell] of [...padded.entries()].toReversed()) {
      const style = columns[index]?.style
      const start = end - cell.length
      end = start - GAP.length
      if (style === undefined || start >= line.length) continue
      const shown = painted.slice(start, start + cell.length).trimEnd()
      const rest = painted.slice(start + shown.length)
      painted = painted.slice(0, start) + output.paint(style(row), shown) + rest
    }
    return painted
  }

  return {
    async add(rows) {
      const lines = rows.map((row) => columns.map(({ value }) => printable(value(row))))
      for (const cells of lines) {
        for (const [index, cell] of cells.entries())
          widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell))
      }
      if (!started && lines.length > 0) {
        started = true
        await output.line(output.paint('bold', format(columns.map(({ title }) => title))))
      }
      for (const [index, cells] of lines.entries()) await output.line(format(cells, rows[index]))
    },
  }
}
