import { call } from './client'
import type { Signal } from './signals'

export interface CaseExplained {
  name: string
  severity: string
  condition: string
  holds: boolean
}

export interface StepExplained {
  name: string
  condition: string
  holds: boolean
  /** In milliseconds since 1970; undefined: not reached. */
  reached: number | undefined
}

/** Explanation says why a rule made a signal. */
export interface Explanation {
  values: { name: string; value: number }[]
  cases: CaseExplained[]
  steps: StepExplained[]
  notes: string[]
}

interface Body {
  groups?: {
    values?: { name: string; value?: number }[]
    cases?: { name?: string; status?: string; condition?: string; holds?: boolean }[]
    steps?: { name: string; condition?: string; holds?: boolean; reached?: string }[]
    notes?: string[]
  }[]
}

/** explainSignal asks how the signal's group stood when it was last seen. */
export async function explainSignal(s: Signal, signal: AbortSignal): Promise<Explanation> {
  const search = new URLSearchParams({ at: String(s.lastSeen) })
  for (const value of s.group) search.append('group', value)
  const body = await call<Body>(`/api/nightjar/v1/rules/${encodeURIComponent(s.ruleID)}/explain?${search}`, { signal })
  const g = body.groups?.[0]
  return {
    values: (g?.values ?? []).map((v) => ({ name: v.name, value: v.value ?? 0 })),
    cases: (g?.cases ?? []).map((c) => ({ name: c.name ?? '', severity: c.status ?? '', condition: c.condition ?? '', holds: c.holds ?? false })),
    steps: (g?.steps ?? []).map((x) => ({ name: x.name, condition: x.condition ?? '', holds: x.holds ?? false, reached: x.reached ? Date.parse(x.reached) : undefined })),
    notes: g?.notes ?? [],
  }
}
