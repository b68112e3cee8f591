import type { Source } from '../../api/sources'
import { oneLine } from '../../state/text'

/** What nightjar and its agents write needs no pipeline. */
const own = new Set(['nightjar', 'nightjar-audit', 'runtime-security-agent'])
export const isOwn = (s: Source): boolean => own.has(s.name)

const quiet = 3600_000
/** silentFor is for how long a source has sent nothing, once that is an hour; 0: it sends. */
export const silentFor = (s: Source, now = Date.now()): number => (isOwn(s) || now - s.arrived < quiet ? 0 : now - s.arrived)

const late = 300_000
/** isLate reports whether events come five minutes after their own time or more, or so long before it: then a clock is wrong. */
export const isLate = (s: Source): boolean => s.lag !== undefined && (Math.abs(s.lag.half) >= late || Math.abs(s.lag.most) >= late)

export const unreadOf = (s: Source): number => (isOwn(s) ? 0 : s.unread)
export const unreadShare = (s: Source): number => (s.events === 0 ? 0 : unreadOf(s) / s.events)

/** needs are what somebody should see to, the most urgent first. */
export const needs = {
  silent: { title: 'Silent', has: (s: Source) => silentFor(s) > 0 },
  failed: { title: 'A pipeline fails', has: (s: Source) => s.failed > 0 },
  late: { title: 'Late, or a wrong clock', has: (s: Source) => isLate(s) },
  unread: { title: 'No pipeline', has: (s: Source) => unreadOf(s) > 0 },
} as const
export type Need = keyof typeof needs

const rank = (s: Source): number => {
  const at = Object.values(needs).findIndex((n) => n.has(s))
  return at < 0 ? Number.MAX_SAFE_INTEGER : at
}

/** inNeed puts what is silent first, the longest last: that may be meant; then what fails, what is late, and what is unread, most events first. */
function inNeed(a: Source, b: Source): number {
  const [x, y] = [rank(a), rank(b)]
  if (x !== y) return x - y
  if (silentFor(a) > 0) return silentFor(a) - silentFor(b)
  return unreadOf(b) - unreadOf(a) || b.events - a.events
}

const lagOf = (s: Source): number => (s.lag ? Math.max(Math.abs(s.lag.half), Math.abs(s.lag.most)) : -1)

/** orders are how the list can be sorted. */
export const orders: Record<string, { title: string; by: (a: Source, b: Source) => number }> = {
  need: { title: 'What needs attention', by: inNeed },
  name: { title: 'Name', by: (a, b) => a.name.localeCompare(b.name) },
  last: { title: 'Last event, the oldest first', by: (a, b) => a.arrived - b.arrived },
  rate: { title: 'Rate', by: (a, b) => b.hour - a.hour || b.events - a.events },
  events: { title: 'Events of 24 hours', by: (a, b) => b.events - a.events },
  lag: { title: 'Lag', by: (a, b) => lagOf(b) - lagOf(a) },
  unread: { title: 'Share without a pipeline', by: (a, b) => unreadShare(b) - unreadShare(a) || unreadOf(b) - unreadOf(a) },
}

/** chosen are the sources that have a need and a text in their name, in an order. */
export function chosen(all: Source[], show: string, text: string, sort: string): Source[] {
  const need = Object.hasOwn(needs, show) ? needs[show as Need] : undefined
  const wanted = text.trim().toLowerCase()
  return all.filter((s) => (need?.has(s) ?? true) && sourceName(s).toLowerCase().includes(wanted)).sort((orders[sort] ?? orders['need'])?.by ?? inNeed)
}

export const sourceName = (s: Source): string => oneLine(s.name, 120) || 'none said'
