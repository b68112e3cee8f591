import { call } from './client'

/** Step is what a processor of a pipeline did with an event. */
export interface Step {
  type: string
  name: string
  outcome: string
  /** The rule of a parser that read it. */
  rule: string
  set: { path: string; value: unknown }[]
  removed: string[]
  /** Why it was skipped, or failed. */
  why: string
  /** How deep it stands: a pipeline may have pipelines. */
  depth: number
}

export interface Applied {
  id: string
  name: string
  version: number
  outcome: string
  steps: Step[]
}

interface StepBody {
  type?: string
  name?: string
  outcome?: string
  rule?: string
  why?: string
  removed?: string[]
  set?: { path: string; value: unknown }[]
  steps?: StepBody[]
}

/** pipelinesOf is what the pipelines that are in force do with a stored event. */
export async function pipelinesOf(event: string, signal: AbortSignal): Promise<Applied[]> {
  const body = await call<{ trace?: { pipelines?: { id?: string; name?: string; version?: number; outcome?: string; matched?: boolean; steps?: StepBody[] }[] } }>('/api/nightjar/v1/pipelines/preview', { body: { event_id: event }, signal })
  return (body.trace?.pipelines ?? []).filter((p) => p.matched).map((p) => ({ id: p.id ?? '', name: p.name ?? '', version: p.version ?? 0, outcome: p.outcome ?? '', steps: flat(p.steps ?? [], 0) }))
}

function flat(steps: StepBody[], depth: number): Step[] {
  return steps.flatMap((s) => [
    { type: s.type ?? '', name: s.name ?? '', outcome: s.outcome ?? '', rule: s.rule ?? '', set: s.set ?? [], removed: s.removed ?? [], why: s.why ?? '', depth },
    ...flat(s.steps ?? [], depth + 1),
  ])
}
