import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFolder } from './support/cli.ts'
import { toLines, wireEvent } from './support/events.ts'

const main = join(import.meta.dirname, '../src/main.ts')
/** `script` of util-linux gives a program a terminal. */
const script = '/usr/bin/script'
const hasScript =
  spawnSync(script, ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false

function runInTerminal(
  args: string,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  // A CI is no terminal for people: Node shows it no colours.
  const { FORCE_COLOR: _, NO_COLOR: _no, CI: _ci, ...inherited } = process.env
  const command = `stty cols 90 && ${process.execPath} --conditions=@tidings/source ${main} ${args}`
  const { stdout } = spawnSync(script, ['-qec', command, '/dev/null'], {
    cwd,
    encoding: 'utf8',
    env: { ...inherited, TERM: 'xterm-256color', LANG: 'C.UTF-8', NODE_OPTIONS: '', ...env },
  })
  return stdout.replaceAll('\r\n', '\n')
}

const ESC = '\u001b'

describe.runIf(hasScript)('on a terminal', () => {
  function prepare(): string {
    const cwd = makeFolder()
    const events = [
      wireEvent(1, { event_type: '订单.已创建' }),
      wireEvent(2, { event_type: `Evil.${ESC}[2J.Created` }),
      ...Array.from({ length: 1500 }, (_, index) => wireEvent(index + 3)),
    ]
    writeFileSync(join(cwd, 'in.ndjson'), toLines(events))
    return cwd
  }

  test('people get progress, tables with aligned columns, and colour', () => {
    const cwd = prepare()
    const imported = runInTerminal('import in.ndjson', cwd)
    expect(imported).toContain('█')
    expect(imported).toMatch(/1,502 lines read: 1,502 stored, 0 duplicates, 0 rejected\.\n/)
    const types = runInTerminal('types', cwd).trimEnd().split('\n')
    expect(types[0]).toBe(
      `${ESC}[1mTYPE                    EVENTS  VERSIONS  FIRST (UTC)       LAST (UTC)${ESC}[22m`,
    )
    expect(types[1]).toBe(
      'Todo.Item.Created        1,500  1         2026-01-01 00:00  2026-01-01 00:00',
    )
    // Five wide characters and a full stop are eleven columns; a command to the terminal is only shown.
    expect(types.slice(2)).toEqual([
      'Evil.\\u001b[2J.Created       1  1         2026-01-01 00:00  2026-01-01 00:00',
      '订单.已创建                  1  1         2026-01-01 00:00  2026-01-01 00:00',
    ])
  })

  test('lines end at the edge, and NO_COLOR is heard', () => {
    const cwd = prepare()
    runInTerminal('import in.ndjson', cwd)
    const lines = runInTerminal('events --limit 2', cwd, { NO_COLOR: '1' }).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(90)
    expect(lines[0]).toMatch(/^POSITION {2}EVENT ID {30}TYPE .*…$/)
    expect(lines[1]).toContain('订单.已创建')
    expect(lines.join('')).not.toContain(ESC)
  })
})
