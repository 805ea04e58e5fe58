import type { VerbContext } from '../context.ts'
import { formatNumber } from '../texts/texts.ts'
import { formatSeconds } from './units.ts'
import { clip } from './width.ts'

/** How far a long verb is, on stderr, for a person at a terminal; nothing anywhere else. */
export interface Progress {
  /** `share` of the whole, 0 to 1, where that is known; `count` things done. */
  update(count: number, share: number | undefined): void
  /** Takes the bar away. */
  end(): void
}

const BAR_CELLS = 24
/** Ten times a second looks steady; more would be spent on drawing. */
const REDRAW_MS = 100

export function createProgress({ out, t, now }: VerbContext): Progress {
  const { stderr } = process
  if (out.json || !stderr.isTTY) return { update: nothing, end: nothing }
  const startMs = now()
  let drawnMs = 0
  return {
    update(count, share) {
      const nowMs = now()
      if (nowMs - drawnMs < REDRAW_MS) return
      drawnMs = nowMs
      const seconds = (nowMs - startMs) / 1000
      const rate = t('progress.rate', {
        count,
        rate: formatNumber(Math.round(count / Math.max(seconds, 0.001))),
      })
      const text =
        share === undefined ? rate : `${drawBar(share)} ${rate} ${describeRest(seconds, share, t)}`
      stderr.write(`\r\u001b[K${clip(text, stderr.columns - 1)}`)
    },
    end() {
      if (drawnMs > 0) stderr.write('\r\u001b[K')
    },
  }
}

function nothing(): undefined {
  return undefined
}

function drawBar(share: number): string {
  const full = Math.round(Math.min(share, 1) * BAR_CELLS)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${String(Math.floor(share * 100)).padStart(3)}%`
}

function describeRest(seconds: number, share: number, t: VerbContext['t']): string {
  if (share <= 0 || seconds < 1) return ''
  return t('progress.rest', { time: formatSeconds((seconds / share) * (1 - share)) })
}
