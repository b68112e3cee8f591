// Times as people read them. The zone is the person's choice, and said wherever a time is.
import { currentPreferences, usePreferences } from './preferences'

export type Zone = 'utc' | 'local'

const formats = new Map<string, Intl.DateTimeFormat>()

function format(at: number, options: Intl.DateTimeFormatOptions, zone: Zone): string {
  const name = zone + JSON.stringify(options)
  let f = formats.get(name)
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', ...(zone === 'utc' ? { timeZone: 'UTC' } : {}) })
    formats.set(name, f)
  }
  return f.format(at)
}

const zoneNow = (): Zone => currentPreferences().zone

export const clock = (at: number, zone: Zone = zoneNow()): string => format(at, { hour: '2-digit', minute: '2-digit', second: '2-digit' }, zone)
export const clockMinutes = (at: number, zone: Zone = zoneNow()): string => format(at, { hour: '2-digit', minute: '2-digit' }, zone)
export const clockMillis = (at: number, zone: Zone = zoneNow()): string => `${clock(at, zone)}.${String(((at % 1000) + 1000) % 1000).padStart(3, '0')}`
export const day = (at: number, zone: Zone = zoneNow()): string => format(at, { day: 'numeric', month: 'short' }, zone)
export const dayAndClock = (at: number, zone: Zone = zoneNow()): string => `${day(at, zone)} ${clock(at, zone)}`
export const dayAndMinutes = (at: number, zone: Zone = zoneNow()): string => `${day(at, zone)} ${clockMinutes(at, zone)}`
export const wholeTime = (at: number, zone: Zone = zoneNow()): string =>
  `${format(at, { day: 'numeric', month: 'short', year: 'numeric' }, zone)} ${clockMillis(at, zone)} ${zoneName(zone)}`

export const zoneName = (zone: Zone = zoneNow()): string => (zone === 'utc' ? 'UTC' : localName())

function localName(): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(Date.now())
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? 'local'
}

/** zoneOf is a zone as the API names it. */
export const zoneOf = (zone: Zone): string => (zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone)

export const useZone = (): Zone => usePreferences().zone

/** age is how long ago, in one unit: 4m, 2h, 3d. */
export function age(at: number, now: number = Date.now()): string {
  const s = Math.max(0, Math.round((now - at) / 1000))
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m`
  if (s < 86400) return `${Math.floor(s / 3600)}h`
  return `${Math.floor(s / 86400)}d`
}

/** duration is a stretch in words: 88 s, 1 min 42 s, 15 min, 2 h, 7 days. */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000)
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (s < 100) return `${s} s`
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86400) return s % 3600 < 60 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  const d = Math.floor(s / 86400)
  return d === 1 ? '1 day' : `${d} days`
}

/** Range is from and to as the address has them: now-24h, milliseconds, or nothing. */
export interface Range {
  from: string
  to: string
}

const units: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }

/** momentOf is a time of the address in milliseconds; undefined: it can't be read. */
export function momentOf(text: string, now: number = Date.now()): number | undefined {
  if (text === '' || text === 'now') return now
  const relative = /^now-(\d+)([smhdw])$/.exec(text)
  if (relative) return now - Number(relative[1]) * (units[relative[2] ?? 's'] ?? 1)
  if (/^\d{10,}$/.test(text)) return Number(text)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

const spans: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' }

/** rangeName is a range in words: Last 24 hours. */
export function rangeName(r: Range, zone: Zone = zoneNow()): string {
  const relative = /^now-(\d+)([smhdw])$/.exec(r.from)
  if (r.from === '') return 'All time'
  if (relative && (r.to === '' || r.to === 'now')) {
    const n = Number(relative[1])
    return n === 1 ? `Last ${spans[relative[2] ?? 's']}` : `Last ${n} ${spans[relative[2] ?? 's']}s`
  }
  return rangeTimes(r, zone)
}

/** rangeTimes is a range in times. */
export function rangeTimes(r: Range, zone: Zone = zoneNow()): string {
  const from = momentOf(r.from)
  const to = momentOf(r.to)
  if (r.from === '' || from === undefined || to === undefined) return ''
  return `${dayAndMinutes(from, zone)} to ${dayAndMinutes(to, zone)} ${zoneName(zone)}`
}
