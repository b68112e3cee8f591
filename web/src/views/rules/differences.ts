/** Difference is a place where two rules say different things; undefined: it says nothing there. */
export interface Difference {
  place: string
  before: string | undefined
  after: string | undefined
}

/** differences are the places where two documents differ, as deep as they can be told. */
export function differences(before: unknown, after: unknown, place = ''): Difference[] {
  if (before === after || JSON.stringify(before) === JSON.stringify(after)) return []
  if (isPlain(before) && isPlain(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((k) => differences(before[k], after[k], place === '' ? k : `${place}.${k}`))
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every(isPlain)) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => differences(before[i], after[i], `${place}[${i}]`)).flat()
  }
  return [{ place, before: textOf(before), after: textOf(after) }]
}

const isPlain = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)
const textOf = (v: unknown): string | undefined => (v === undefined ? undefined : typeof v === 'string' ? v : JSON.stringify(v))
