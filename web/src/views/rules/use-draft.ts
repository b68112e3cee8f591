import { useMemo, useState } from 'preact/hooks'
import type { Rule } from '../../api/rules'

/** Draft is a rule while it is edited: text, and what it says where it can be read. */
export interface Draft {
  text: string
  /** The rule; undefined: the text is no JSON of one. */
  rule: Rule | undefined
  wrong: string
  changed: boolean
  /** The version that it began from. */
  version: number
  type(text: string): void
  /** cannotRead says why what is typed elsewhere is no rule; empty: it is one. Until then there is no rule to save. */
  cannotRead(why: string): void
  /** edit changes the rule, and writes the text anew. */
  edit(change: (r: Rule) => void): void
  discard(): void
  /** saved makes what is stored now the ground of further changes. */
  saved(rule: Rule, version: number): void
}

interface Held {
  text: string
  base: string
  version: number
}

const textOf = (r: Rule): string => JSON.stringify(r, null, 2)
const place = (id: string): string => 'nightjar.draft.' + id

function kept(id: string): Held | undefined {
  try {
    const held = JSON.parse(sessionStorage.getItem(place(id)) ?? 'null') as Partial<Held> | null
    return held && typeof held.text === 'string' && typeof held.base === 'string' && typeof held.version === 'number' ? (held as Held) : undefined
  } catch {
    return undefined
  }
}

/** useDraft keeps a draft while the tab is open, so that Back and a reload lose nothing. */
export function useDraft(id: string, rule: Rule, version: number): Draft {
  const [held, setHeld] = useState<Held>(() => kept(id) ?? { text: textOf(rule), base: textOf(rule), version })
  const [unread, cannotRead] = useState('')
  const put = (next: Held) => {
    setHeld(next)
    if (next.text === next.base) sessionStorage.removeItem(place(id))
    else sessionStorage.setItem(place(id), JSON.stringify(next))
  }
  const read = useMemo(() => parsed(held.text), [held.text])
  return {
    text: held.text, ...(unread === '' ? read : { rule: undefined, wrong: unread }), cannotRead, changed: held.text !== held.base, version: held.version,
    type: (text) => put({ ...held, text }),
    edit: (change) => {
      if (!read.rule) return
      const next = structuredClone(read.rule)
      change(next)
      put({ ...held, text: textOf(next) })
    },
    discard: () => put({ text: textOf(rule), base: textOf(rule), version }),
    saved: (now, v) => put({ text: textOf(now), base: textOf(now), version: v }),
  }
}

function parsed(text: string): { rule: Rule | undefined; wrong: string } {
  try {
    const rule: unknown = JSON.parse(text)
    if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return { rule: undefined, wrong: 'A rule is an object: { "name": … }.' }
    const lists = ['queries', 'cases', 'tags'].filter((n) => n in rule && !Array.isArray((rule as Record<string, unknown>)[n]))
    if (lists.length > 0) return { rule: undefined, wrong: `${lists.join(', ')}: want a list.` }
    return { rule: rule as Rule, wrong: '' }
  } catch (e) {
    return { rule: undefined, wrong: (e as Error).message }
  }
}
