import { call } from './client'

/** Summary says in one sentence what happened, about whom, and when. */
export interface Summary {
  sentence: string
  /** The sentence without when it was, which is told in the person's zone. */
  what: string
  group: { field: string; value: string }[]
  newValues: string[]
}

/** Course is how a rule's queries went over time: each value stands until the next. */
export interface Course {
  from: number
  to: number
  queries: string[]
  /** Over how long each value is taken, and for which step of a sequence; beside queries. */
  columns: { step: string; window: number }[]
  points: { at: number; values: number[]; case: number }[]
  /** Column is the index of what is compared; -1: it has no course. */
  thresholds: { query: string; operator: string; number: number; case: number; severity: string; column: number }[]
  /** Of each stretch only the highest are here. */
  thinned: boolean
}

export interface Comparison {
  query: string
  value: number
  operator: string
  number: number
  holds: boolean
}

export interface CaseExplained {
  name: string
  severity: string
  /** As the rule has it. */
  condition: string
  holds: boolean
  comparisons: Comparison[]
}

export interface StepExplained {
  name: string
  condition: string
  holds: boolean
  /** In milliseconds since 1970; undefined: not reached. */
  reached: number | undefined
  /** Over how long its values are taken, and how soon it must follow the step before it; in milliseconds. */
  window: number
  within: number
  /** Most is the highest value until the next step was reached. */
  comparisons: (Comparison & { most: number })[]
}

/** Clause is a part of a search, and whether the first sample event matches it. */
export interface Clause {
  text: string
  matches: boolean
  clauses: Clause[]
}

export interface QueryExplained {
  name: string
  matches: boolean
  why: string
  clauses: Clause[]
}

export interface BandPoint {
  at: number
  value: number
  lower: number
  median: number
  upper: number
}

export interface Stop {
  at: number
  city: string
  country: string
  latitude: number
  longitude: number
  km: number
  kmh: number
  since: number
  impossible: boolean
  assumed: boolean
}

export interface ProcessNode {
  pid: number
  name: string
  path: string
  args: string
  user: string
  host: string
  /** In milliseconds since 1970; 0: not known. */
  started: number
  events: string[]
  deeds: Deed[]
  children: ProcessNode[]
}

/** Deed is what an event saw a process do. */
export interface Deed {
  at: number
  name: string
  target: string
  /** Of the agent. */
  rule: string
}

/** Explanation says why a rule made a signal, in numbers. */
export interface Explanation {
  summary: Summary
  course: Course | undefined
  cases: CaseExplained[]
  steps: StepExplained[]
  notes: string[]
  queries: QueryExplained[]
  band: BandPoint[]
  /** How long a bucket of the band is, in milliseconds; what it counts, and its season in words. */
  bucket: number
  bandOf: string
  season: string
  /** Of new values: the fields that they are of. */
  valueFields: string[]
  journey: Stop[]
  processes: ProcessNode[]
  agentRules: AgentRule[]
  /** What could not be said, and why. */
  missing: string[]
}

/** AgentRule is a rule that an agent found matching, as it was when it did. */
export interface AgentRule {
  /** As events name it. */
  rule: string
  /** Empty: no rule is called so, or it stands in a file on the host. */
  ruleID: string
  version: string
  /** The newest version where that is another one, or 0. */
  newest: number
  description: string
  expression: string
  /** What must hold together, with what the event has. */
  clauses: { text: string; values: { field: string; values: string[] }[] }[]
  policy: string
  policyID: string
  policyVersion: string
}

type Loose<T> = { [K in keyof T]?: T[K] }

interface Body {
  summary?: { sentence?: string; what?: string; group?: { field?: string; value?: string }[]; new_values?: string[] }
  course?: Loose<Omit<Course, 'columns' | 'thresholds'>> & { columns?: { step?: string; window_ms?: number }[]; thresholds?: Loose<Course['thresholds'][number]>[] }
  standing?: {
    cases?: { name?: string; status?: string; condition?: string; written?: string; holds?: boolean; comparisons?: Loose<Comparison>[] }[]
    steps?: { name: string; condition?: string; holds?: boolean; reached?: string; window_ms?: number; within_ms?: number; comparisons?: (Loose<Comparison> & { most?: number })[] }[]
    notes?: string[]
  }
  queries?: { name: string; matches?: boolean; why?: string; clauses?: ClauseBody[] }[]
  value_fields?: string[]
  band?: { query?: string; season?: string; bucket_duration?: number; points?: { at: string | number; value?: number; lower?: number; median?: number; upper?: number }[] }
  journey?: Loose<Stop>[]
  processes?: ProcessBody[]
  agent_rules?: AgentRuleBody[]
  missing?: string[]
}

interface AgentRuleBody {
  rule?: string
  rule_id?: string
  version?: string
  newest_version?: number
  description?: string
  expression?: string
  clauses?: { text?: string; values?: { field?: string; values?: string[] }[] }[]
  policy?: string
  policy_id?: string
  policy_version?: string
}

interface ClauseBody {
  text?: string
  matches?: boolean
  clauses?: ClauseBody[]
}

interface ProcessBody {
  pid?: number
  name?: string
  path?: string
  args?: string
  user?: string
  host?: string
  started?: number
  events?: string[]
  deeds?: Loose<Deed>[]
  children?: ProcessBody[]
}

export async function explainSignal(id: string, signal: AbortSignal): Promise<Explanation> {
  const b = await call<Body>(`/api/nightjar/v1/signals/${encodeURIComponent(id)}/explanation`, { signal })
  return {
    summary: summaryOf(b.summary),
    course: b.course?.points && b.course.points.length > 0 ? courseOf(b.course) : undefined,
    cases: (b.standing?.cases ?? []).map((c) => ({
      name: c.name ?? '', severity: c.status ?? '', condition: c.written || (c.comparisons?.length ? '' : (c.condition ?? '')), holds: c.holds ?? false,
      comparisons: (c.comparisons ?? []).map(comparisonOf),
    })),
    steps: (b.standing?.steps ?? []).map((x) => ({
      name: x.name, condition: x.condition ?? '', holds: x.holds ?? false, reached: x.reached ? momentOf(x.reached) : undefined, window: x.window_ms ?? 0, within: x.within_ms ?? 0,
      comparisons: (x.comparisons ?? []).map((c) => ({ ...comparisonOf(c), most: c.most ?? 0 })),
    })),
    notes: b.standing?.notes ?? [],
    queries: (b.queries ?? []).map((q) => ({ name: q.name, matches: q.matches ?? false, why: q.why ?? '', clauses: (q.clauses ?? []).map(clauseOf) })),
    band: (b.band?.points ?? []).map((p) => ({ at: momentOf(p.at), value: p.value ?? 0, lower: p.lower ?? 0, median: p.median ?? 0, upper: p.upper ?? 0 })),
    bucket: (b.band?.bucket_duration ?? 3600) * 1000, bandOf: b.band?.query ?? '', season: b.band?.season ?? '', valueFields: b.value_fields ?? [],
    journey: (b.journey ?? []).map(stopOf),
    processes: (b.processes ?? []).map(processOf),
    agentRules: (b.agent_rules ?? []).map(agentRuleOf),
    missing: b.missing ?? [],
  }
}

/** summarise is the sentence alone, which is there at once. */
export async function summarise(id: string, signal: AbortSignal): Promise<Summary> {
  return summaryOf(await call<Body['summary']>(`/api/nightjar/v1/signals/${encodeURIComponent(id)}/summary`, { signal }))
}

const momentOf = (at: string | number): number => (typeof at === 'number' ? at : Date.parse(at))

const summaryOf = (s: Body['summary']): Summary => ({
  sentence: s?.sentence ?? '', what: s?.what ?? '', group: (s?.group ?? []).map((g) => ({ field: g.field ?? '', value: g.value ?? '' })), newValues: s?.new_values ?? [],
})

const comparisonOf = (x: Loose<Comparison>): Comparison => ({ query: x.query ?? '', value: x.value ?? 0, operator: x.operator ?? '', number: x.number ?? 0, holds: x.holds ?? false })

const agentRuleOf = (r: AgentRuleBody): AgentRule => ({
  rule: r.rule ?? '', ruleID: r.rule_id ?? '', version: r.version ?? '', newest: r.newest_version ?? 0, description: r.description ?? '', expression: r.expression ?? '',
  clauses: (r.clauses ?? []).map((c) => ({ text: c.text ?? '', values: (c.values ?? []).map((v) => ({ field: v.field ?? '', values: v.values ?? [] })) })),
  policy: r.policy ?? '', policyID: r.policy_id ?? '', policyVersion: r.policy_version ?? '',
})

const courseOf = (c: NonNullable<Body['course']>): Course => ({
  from: c.from ?? 0, to: c.to ?? 0, queries: c.queries ?? [], points: c.points ?? [], thinned: c.thinned ?? false,
  columns: (c.columns ?? []).map((x) => ({ step: x.step ?? '', window: x.window_ms ?? 0 })),
  thresholds: (c.thresholds ?? []).map((t) => ({ query: t.query ?? '', operator: t.operator ?? '', number: t.number ?? 0, case: t.case ?? 0, severity: t.severity ?? '', column: t.column ?? 0 })),
})

const clauseOf = (c: ClauseBody): Clause => ({ text: c.text ?? '', matches: c.matches ?? false, clauses: (c.clauses ?? []).map(clauseOf) })

const stopOf = (s: Loose<Stop>): Stop => ({
  at: s.at ?? 0, city: s.city ?? '', country: s.country ?? '', latitude: s.latitude ?? 0, longitude: s.longitude ?? 0,
  km: s.km ?? 0, kmh: s.kmh ?? 0, since: s.since ?? 0, impossible: s.impossible ?? false, assumed: s.assumed ?? false,
})

const processOf = (p: ProcessBody): ProcessNode => ({
  pid: p.pid ?? 0, name: p.name ?? '', path: p.path ?? '', args: p.args ?? '', user: p.user ?? '', host: p.host ?? '', started: p.started ?? 0, events: p.events ?? [],
  deeds: (p.deeds ?? []).map((d) => ({ at: d.at ?? 0, name: d.name ?? '', target: d.target ?? '', rule: d.rule ?? '' })), children: (p.children ?? []).map(processOf),
})
