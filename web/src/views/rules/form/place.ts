// Places of a rule as the engine names them: queries[0].query, options.keepAlive.
import type { Rule } from '../../../api/rules'

type Step = string | number

/** stepsOf takes a place apart. */
export const stepsOf = (place: string): Step[] => [...place.matchAll(/[^.[\]]+/g)].map(([s]) => (/^\d+$/.test(s) ? Number(s) : s))

/** valueAt is what a rule says at a place; undefined: nothing. */
export function valueAt(rule: Rule, place: string): unknown {
  let at: unknown = rule
  for (const step of stepsOf(place)) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<Step, unknown>)[step]
  }
  return at
}

/** put says something at a place, and makes what leads there; undefined takes it out. Nothing else of the rule changes. */
export function put(rule: Rule, place: string, value: unknown): void {
  const steps = stepsOf(place)
  const last = steps.pop()
  if (last === undefined) return
  let at = rule as unknown as Record<Step, unknown>
  for (const [i, step] of steps.entries()) {
    const inside = at[step]
    if (typeof inside !== 'object' || inside === null) {
      if (value === undefined) return
      at[step] = typeof (steps[i + 1] ?? last) === 'number' ? [] : {}
    }
    at = at[step] as Record<Step, unknown>
  }
  if (value !== undefined) at[last] = value
  else if (Array.isArray(at)) at.splice(Number(last), 1)
  else delete at[last]
}

/** textAt, textsAt and listAt are what stands at a place where it is of that kind. */
export const textAt = (rule: Rule, place: string): string => {
  const v = valueAt(rule, place)
  return typeof v === 'string' ? v : ''
}
export const listAt = (rule: Rule, place: string): unknown[] => {
  const v = valueAt(rule, place)
  return Array.isArray(v) ? v : []
}
export const textsAt = (rule: Rule, place: string): string[] => listAt(rule, place).filter((v): v is string => typeof v === 'string')

/** bare are the places that the engine names without the part that they are in. */
const bare = ['evaluationWindow', 'keepAlive', 'maxSignalDuration']
export const placeOf = (target: string): string => (bare.includes(target) ? 'options.' + target : target)

/** isWithin reports whether a place is another one, or a part of it. */
export const isWithin = (place: string, whole: string): boolean => place === whole || place.startsWith(whole + '.') || place.startsWith(whole + '[')
