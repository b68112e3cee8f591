import { askAhead, call } from './client'

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info'
export const severities: Severity[] = ['critical', 'high', 'medium', 'low', 'info']
export type State = 'open' | 'under_review' | 'archived' | 'suppressed'

/** Signal is one as a row of the list has it. Times are in milliseconds since 1970. */
export interface Signal {
  id: string
  title: string
  severity: Severity
  state: State
  reason: string
  /** What was said when it was archived. */
  comment: string
  /** Empty: nobody. */
  assignee: string
  groupBy: string[]
  group: string[]
  events: number
  firstSeen: number
  lastSeen: number
  ruleID: string
  ruleName: string
  ruleVersion: number
  method: string
  caseName: string
  /** The evaluation window in milliseconds. */
  window: number
  /** Of the triage, as it was read; undefined: it was changed here since. */
  version: number | undefined
  message: string
  tags: string[]
  source: string
  host: string
}

interface Nightjar {
  rule_id: string
  case_name: string
  group_by?: string[]
  group?: string[]
  first_seen: number
  last_seen: number
  severity: Severity
  events: number
  state: State
  reason?: string
  window?: number
}

interface Workflow {
  rule?: { name?: string; version?: number; detectionMethod?: string }
  triage?: { archiveComment?: string; assignee?: { handle?: string; name?: string; id?: number; uuid?: string }; version?: number }
}

/** Custom are the attributes of a signal: what the rule said, and what its events have. */
export interface Custom {
  title: string
  nightjar: Nightjar
  workflow: Workflow
  samples?: Sample[]
  queries?: { name: string; query: string; aggregation: string; groupByPaths?: string[] }[]
  [field: string]: unknown
}

export interface Sample {
  eventId: string
  queryIndex: number
  content: { timestamp: string; source: string; service: string; host: string; status: string; message: string; tags: string[]; custom: Record<string, unknown> }
}

interface Attributes {
  timestamp: string
  message: string
  tags?: string[]
  status: string
  host?: string
  attributes?: Custom
  custom?: Custom
  version?: number
}

interface Item {
  id: string
  attributes: Attributes
}

interface Page {
  data?: Item[]
  meta?: { page?: { after?: string } }
}

export interface Filter {
  query: string
  from: string
  to: string
}

export interface SignalPage {
  signals: Signal[]
  /** Where the next page begins; undefined: this is the last. */
  next: string | undefined
}

const api = '/api/v2/security_monitoring/signals'

/** bodyOf is a filter as the API takes it. Of events, no beginning would mean the last 15 minutes. */
export function bodyOf(f: Filter, of: 'signals' | 'events' | 'rules' = 'signals'): { query: string; from?: string; to?: string } {
  const from = f.from === '' && of === 'events' ? '0' : f.from
  return { query: f.query, ...(from === '' ? {} : { from }), ...(f.to === '' ? {} : { to: f.to }) }
}

const searchBody = (filter: Filter, sort: string, cursor: string | undefined, limit: number) =>
  ({ filter: bodyOf(filter), sort, brief: true, page: { limit, ...(cursor ? { cursor } : {}) } })

/** searchAhead asks for a first page that will be asked for if the query can be read; what it gives takes that back. */
export const searchAhead = (filter: Filter, sort: string, limit: number): (() => void) => askAhead(api + '/search', searchBody(filter, sort, undefined, limit))

/** searchSignals reads a page of the signals that a filter selects. */
export async function searchSignals(filter: Filter, sort: string, cursor: string | undefined, limit: number, signal: AbortSignal): Promise<SignalPage> {
  const page = await call<Page>(api + '/search', { body: searchBody(filter, sort, cursor, limit), signal })
  return { signals: (page.data ?? []).map(signalOf), next: page.meta?.page?.after }
}

/** SignalDetail is a signal with everything that is stored of it. */
export interface SignalDetail {
  signal: Signal
  custom: Custom
}

/** readAhead asks for what is shown of a signal that will be asked for next. */
export function readAhead(id: string): void {
  const own = `/api/nightjar/v1/signals/${encodeURIComponent(id)}`
  for (const path of [`${api}/${encodeURIComponent(id)}`, own + '/summary', own + '/explanation']) askAhead(path)
}

export async function readSignal(id: string, signal?: AbortSignal): Promise<SignalDetail> {
  const { data } = await call<{ data: Item }>(`${api}/${encodeURIComponent(id)}`, signal ? { signal } : {})
  const custom = data.attributes.custom ?? data.attributes.attributes
  if (!custom) throw new Error('The engine’s answer has no attributes.')
  return { signal: signalOf(data), custom }
}

function signalOf(item: Item): Signal {
  const a = item.attributes
  const custom = a.custom ?? a.attributes
  const n = custom?.nightjar
  const w = custom?.workflow
  const at = Date.parse(a.timestamp)
  return {
    id: item.id,
    title: custom?.title ?? '',
    severity: n?.severity ?? 'info',
    state: n?.state ?? 'open',
    reason: n?.reason ?? '',
    comment: w?.triage?.archiveComment ?? '',
    assignee: assigneeOf(w),
    groupBy: n?.group_by ?? [],
    group: (n?.group ?? []).map(String),
    events: n?.events ?? 0,
    firstSeen: n?.first_seen ?? at,
    lastSeen: n?.last_seen ?? at,
    ruleID: n?.rule_id ?? '',
    ruleName: w?.rule?.name ?? '',
    ruleVersion: w?.rule?.version ?? 0,
    method: w?.rule?.detectionMethod ?? '',
    caseName: n?.case_name ?? '',
    window: n?.window ?? 0,
    version: a.version ?? w?.triage?.version ?? 0,
    message: a.message,
    tags: a.tags ?? [],
    source: typeof custom?.['source'] === 'string' ? custom['source'] : '',
    host: a.host ?? '',
  }
}

function assigneeOf(w: Workflow | undefined): string {
  const who = w?.triage?.assignee
  if (!who || who.id === -1 && !who.handle && !who.uuid) return ''
  return who.handle || who.name || who.uuid || ''
}
