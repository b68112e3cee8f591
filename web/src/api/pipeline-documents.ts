import { call } from './client'

/** PipelineProblem is what is wrong with a document or to be known of it. Lines and columns count from 1; 0: it has no place. */
export interface PipelineProblem {
  path: string
  line: number
  column: number
  message: string
  hint: string
}

/** PipelineDocument is a pipeline as the API has it; the page looks at little of it. */
export type PipelineDocument = { name?: string; is_enabled?: boolean; filter?: { query?: string }; processors?: Record<string, unknown>[] } & Record<string, unknown>

export interface CheckedText {
  valid: boolean
  pipeline: PipelineDocument | undefined
  /** The same in YAML. */
  text: string
  problems: PipelineProblem[]
  warnings: PipelineProblem[]
}

type ProblemBody = Partial<PipelineProblem>
const problemOf = (p: ProblemBody): PipelineProblem => ({ path: p.path ?? '', line: p.line ?? 0, column: p.column ?? 0, message: p.message ?? '', hint: p.hint ?? '' })

const api = '/api/nightjar/v1/pipelines'
const at = (id: string) => `${api}/${encodeURIComponent(id)}`

export async function checkText(text: string, signal?: AbortSignal): Promise<CheckedText> {
  const b = await call<{ valid?: boolean; pipeline?: PipelineDocument; text?: string; problems?: ProblemBody[]; warnings?: ProblemBody[] }>(`${api}/text`, { body: { text }, ...(signal ? { signal } : {}) })
  return { valid: b.valid ?? false, pipeline: b.pipeline, text: b.text ?? '', problems: (b.problems ?? []).map(problemOf), warnings: (b.warnings ?? []).map(problemOf) }
}

/** StoredPipeline is a pipeline with its document. */
export interface StoredPipeline {
  id: string
  name: string
  builtIn: boolean
  enabled: boolean
  version: number
  text: string
  broken: string
  events: number
  failed: number
  query: string
}

interface StateBody {
  id?: string; version?: number; is_built_in?: boolean; text?: string; broken?: string
  pipeline?: PipelineDocument; statistics?: { events?: number; failed?: number }
}

const stored = (p: StateBody): StoredPipeline => ({
  id: p.id ?? '', name: p.pipeline?.name ?? p.id ?? '', builtIn: p.is_built_in ?? false, enabled: p.pipeline?.is_enabled ?? false, version: p.version ?? 0, text: p.text ?? '',
  broken: p.broken ?? '', events: p.statistics?.events ?? 0, failed: p.statistics?.failed ?? 0, query: p.pipeline?.filter?.query ?? '*',
})

export const readPipeline = async (id: string, signal?: AbortSignal): Promise<StoredPipeline> => stored(await call<StateBody>(at(id), signal ? { signal } : {}))
export const createPipeline = async (document: PipelineDocument): Promise<string> => (await call<{ id?: string }>(api, { body: document })).id ?? ''
/** updatePipeline stores another document in the place of one that is still of this version. */
export const updatePipeline = (id: string, version: number, document: PipelineDocument): Promise<unknown> => call(at(id), { method: 'PUT', query: { if_version: version }, body: document })
export const deletePipeline = (id: string): Promise<unknown> => call(at(id), { method: 'DELETE' })
export const clonePipeline = async (id: string): Promise<string> => (await call<{ id?: string }>(`${at(id)}/clone`, { body: {} })).id ?? ''
export const orderPipelines = (ids: string[]): Promise<unknown> => call('/api/v1/logs/config/pipeline-order', { method: 'PUT', body: { pipeline_ids: ids } })

/** restorePipeline makes a version the next one; of a pipeline that was deleted, 0 is the last. */
export const restorePipeline = (id: string, version: number): Promise<unknown> => call(`${at(id)}/restore`, { body: { version } })

/** DeletedPipeline is one that can be restored. */
export interface DeletedPipeline {
  id: string
  name: string
  query: string
  /** In milliseconds since 1970. */
  at: number
  /** Why it can't be restored as it was; empty: it can. */
  broken: string
}

export async function listDeleted(signal: AbortSignal): Promise<DeletedPipeline[]> {
  const b = await call<{ data?: { id?: string; pipeline?: PipelineDocument; deleted_at?: string; broken?: string }[] }>('/api/nightjar/v1/deleted_pipelines', { signal })
  return (b.data ?? []).map((d) => ({ id: d.id ?? '', name: d.pipeline?.name ?? d.id ?? '', query: d.pipeline?.filter?.query ?? '*', at: Date.parse(d.deleted_at ?? '') || 0, broken: d.broken ?? '' }))
}

/** PipelineVersion is one that a pipeline had; the time is in milliseconds since 1970. */
export interface PipelineVersion {
  version: number
  at: number
  deleted: boolean
  text: string
}

export async function readPipelineVersions(id: string, signal: AbortSignal): Promise<PipelineVersion[]> {
  const b = await call<{ data?: { version?: number; updated_at?: string; is_deleted?: boolean; text?: string }[] }>(`${at(id)}/versions`, { signal })
  return (b.data ?? []).map((v) => ({ version: v.version ?? 0, at: Date.parse(v.updated_at ?? '') || 0, deleted: v.is_deleted ?? false, text: v.text ?? '' }))
}

export interface PipelineTest {
  name: string
  line: number
  passed: boolean
  differs: string[]
}

export interface Tested {
  tests: PipelineTest[]
  /** The samples that were run. */
  samples: string
  problems: PipelineProblem[]
}

export const testOf = (t: Partial<PipelineTest>): PipelineTest => ({ name: t.name ?? '', line: t.line ?? 0, passed: t.passed ?? false, differs: t.differs ?? [] })

/** testPipeline runs samples; where the text is empty those that are kept, or ship. */
export async function testPipeline(document: PipelineDocument, inPlaceOf: string, samples: string, signal?: AbortSignal): Promise<Tested> {
  const b = await call<{ tests?: Partial<PipelineTest>[]; samples?: string; problems?: ProblemBody[] }>(`${api}/test`, { body: { pipeline: document, in_place_of: inPlaceOf, samples }, ...(signal ? { signal } : {}) })
  return { tests: (b.tests ?? []).map(testOf), samples: b.samples ?? '', problems: (b.problems ?? []).map(problemOf) }
}

export interface GrokTried {
  problems: PipelineProblem[]
  warnings: string[]
  results: { rule: string; found: unknown; why: string }[]
}

export async function tryGrok(matchRules: string, supportRules: string, samples: string[], signal: AbortSignal): Promise<GrokTried> {
  const b = await call<{ problems?: ProblemBody[]; warnings?: string[]; results?: { rule?: string; found?: unknown; why?: string }[] }>(`${api}/grok`, { body: { match_rules: matchRules, support_rules: supportRules, samples }, signal })
  return { problems: (b.problems ?? []).map(problemOf), warnings: b.warnings ?? [], results: (b.results ?? []).map((r) => ({ rule: r.rule ?? '', found: r.found, why: r.why ?? '' })) }
}
