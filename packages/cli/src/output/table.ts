import type { Output } from './output.ts'
import { clip, displayWidth, pad, printable } from './width.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** What a pipe gets where that differs: no thousands apart, no shortening. */
  readonly plain?: (row: Row) => string
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

  const format = (cells: readonly string[]): string => {
    const line = cells
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
      .join(GAP)
    return clip(line.trimEnd(), output.columns)
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
      for (const cells of lines) await output.line(format(cells))
    },
  }
}
