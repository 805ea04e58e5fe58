const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** 4924471 → `4.9 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`
}

/** 95 → `1:35`, 3725 → `1:02:05`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  const rest = String(whole % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}

/** `2026-11-21T09:30:15.123Z` → `2026-11-21 09:30`: where the minute is enough, and room is short. UTC. */
export function shortTime(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}
