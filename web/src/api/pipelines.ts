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
  /** How long it took; 0: not measured. */
  microseconds: number
  /** How deep it stands: a pipeline may have pipelines. */
  depth: number
}

export interface Applied {
  id: string
  name: string
  version: number
  outcome: string
  microseconds: number
  steps: Step[]
}

/** Trace is what the pipelines in force do with a stored event, and whether that is what was stored. */
export interface Trace {
  pipelines: Applied[]
  /** What was changed since it was stored, of the pipelines that read it, and the fields that would be others. */
  changes: { name: string; change: string }[]
  differs: string[]
}

interface StepBody {
  microseconds?: number
  type?: string
  name?: string
  outcome?: string
  rule?: string
  why?: string
  removed?: string[]
  set?: { path: string; value: unknown }[]
  steps?: StepBody[]
}

interface TraceBody {
  trace?: { pipelines?: { id?: string; name?: string; version?: number; outcome?: string; matched?: boolean; microseconds?: number; steps?: StepBody[] }[] }
  changes?: { id?: string; name?: string; change?: string }[]
  differs?: string[]
}

/** traceEvent is what the pipelines that are in force do with a stored event. */
export async function traceEvent(event: string, signal: AbortSignal): Promise<Trace> {
  const body = await call<TraceBody>(`/api/nightjar/v1/events/${encodeURIComponent(event)}/trace`, { signal })
  return {
    pipelines: (body.trace?.pipelines ?? []).filter((p) => p.matched).map((p) => ({ id: p.id ?? '', name: p.name ?? '', version: p.version ?? 0, outcome: p.outcome ?? '', microseconds: p.microseconds ?? 0, steps: flat(p.steps ?? [], 0) })),
    changes: (body.changes ?? []).map((c) => ({ name: c.name ?? c.id ?? '', change: c.change ?? '' })),
    differs: body.differs ?? [],
  }
}

/** pipelinesOf are those that read a stored event. */
export const pipelinesOf = async (event: string, signal: AbortSignal): Promise<Applied[]> => (await traceEvent(event, signal)).pipelines

function flat(steps: StepBody[], depth: number): Step[] {
  return steps.flatMap((s) => [
    { type: s.type ?? '', name: s.name ?? '', outcome: s.outcome ?? '', rule: s.rule ?? '', set: s.set ?? [], removed: s.removed ?? [], why: s.why ?? '', microseconds: s.microseconds ?? 0, depth },
    ...flat(s.steps ?? [], depth + 1),
  ])
}

/** Input is what a preview is of: a stored event, or a line as it would come. */
export type Input = { event: string } | { line: string; source: string }

/** Previewed is what a draft did with an input. */
export interface Previewed {
  /** Its filter found it. */
  matched: boolean
  steps: Step[]
  /** Why it did not run to its end. */
  stopped: string
  /** The other pipelines that read it, in their order. */
  others: { id: string; name: string }[]
  after: { source: string; service: string; host: string; status: string; message: string; timestamp: string; attributes: Record<string, unknown> }
  /** The event as it came. */
  raw: string
}

interface PreviewBody {
  after?: { attributes?: { source?: string; service?: string; host?: string; status?: string; message?: string; timestamp?: string; attributes?: Record<string, unknown> } }
  raw?: string
  trace?: { pipelines?: { id?: string; name?: string; matched?: boolean; stopped?: string; steps?: StepBody[] }[] }
}

/** previewDraft shows what a document would make of an input, in the place of a pipeline or behind all. */
export async function previewDraft(document: unknown, inPlaceOf: string, input: Input, signal: AbortSignal): Promise<Previewed> {
  const of = 'event' in input ? { event_id: input.event } : { line: input.line, source: input.source }
  const body = await call<PreviewBody>('/api/nightjar/v1/pipelines/preview', { body: { ...of, pipeline: document, in_place_of: inPlaceOf }, signal })
  const all = body.trace?.pipelines ?? []
  const own = all.find((p) => p.id === (inPlaceOf || 'draft'))
  const a = body.after?.attributes ?? {}
  return {
    matched: own?.matched ?? false, steps: flat(own?.steps ?? [], 0), stopped: own?.stopped ?? '', raw: body.raw ?? '',
    others: all.filter((p) => p !== own && p.matched).map((p) => ({ id: p.id ?? '', name: p.name ?? '' })),
    after: { source: a.source ?? '', service: a.service ?? '', host: a.host ?? '', status: a.status ?? '', message: a.message ?? '', timestamp: a.timestamp ?? '', attributes: a.attributes ?? {} },
  }
}
