import type { Found } from '../../api/rules'
import type { Signal } from '../../api/signals'

/** Verdict is a signal that one of two versions gives, or both. */
export interface Verdict {
  signal: Found
  is: 'new' | 'lost' | 'same'
  /** The other version gives it with this severity. */
  was: string
  /** What is stored of it, of the version in force; undefined: nothing is. */
  stored: Signal | undefined
}

export const isTruePositive = (v: Verdict): boolean => v.stored?.reason.startsWith('true_positive') === true

const groupOf = (group: readonly string[]): string => JSON.stringify(group)
const overlap = (a: { firstSeen: number; lastSeen: number }, b: { firstSeen: number; lastSeen: number }): boolean => a.firstSeen <= b.lastSeen && b.firstSeen <= a.lastSeen

/**
 * compare says of each signal of two versions whether the other gives it, too: one of the same
 * group at the same time. Each stands for one of the other. Lost ones are first, of those the
 * true positives; then new ones.
 */
export function compare(draft: readonly Found[], inForce: readonly Found[], stored: readonly Signal[]): Verdict[] {
  const before = byGroup(inForce)
  const known = byGroup(stored)
  const storedOf = (f: Found) => (known.get(groupOf(f.group)) ?? []).find((s) => s.firstSeen === f.firstSeen) ?? (known.get(groupOf(f.group)) ?? []).find((s) => overlap(s, f))
  const taken = new Set<Found>()
  const out: Verdict[] = draft.map((signal) => {
    const of = (before.get(groupOf(signal.group)) ?? []).filter((f) => !taken.has(f) && overlap(f, signal))
    const partner = of.find((f) => f.severity === signal.severity) ?? of[0]
    if (!partner) return { signal, is: 'new', was: '', stored: undefined }
    taken.add(partner)
    return { signal, is: 'same', was: partner.severity === signal.severity ? '' : partner.severity, stored: storedOf(partner) }
  })
  for (const f of inForce) if (!taken.has(f)) out.push({ signal: f, is: 'lost', was: '', stored: storedOf(f) })
  const rank = (v: Verdict): number => (v.is === 'lost' ? (isTruePositive(v) ? 0 : 1) : v.is === 'new' ? 2 : v.was !== '' ? 3 : 4)
  return out.sort((a, b) => rank(a) - rank(b) || b.signal.firstSeen - a.signal.firstSeen)
}

function byGroup<T extends { group: string[] }>(all: readonly T[]): Map<string, T[]> {
  const out = new Map<string, T[]>()
  for (const x of all) out.set(groupOf(x.group), [...(out.get(groupOf(x.group)) ?? []), x])
  return out
}
