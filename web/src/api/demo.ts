import { call } from './client'

/** Demo is a generated day: what its events and signals are found by, and how many events it has. */
export interface Demo {
  /** none, shown or removed */
  state: string
  events: number
  /** Who made it. */
  by: string
  /** The ids of the rules that it made. */
  rules: string[]
  query: string
  /** The job that archives its signals, of one that was removed just now. */
  job: string
}

interface Body {
  state?: string
  events?: number
  by?: string
  rule_ids?: string[]
  query?: string
  triage_job_id?: string
}

const api = '/api/nightjar/v1/demo'
const demoOf = (b: Body): Demo => ({ state: b.state ?? 'none', events: b.events ?? 0, by: b.by ?? '', rules: b.rule_ids ?? [], query: b.query ?? '', job: b.triage_job_id ?? '' })

export const readDemo = async (signal?: AbortSignal): Promise<Demo> => demoOf(await call<Body>(api, signal ? { signal } : {}))
export const createDemo = async (): Promise<Demo> => demoOf(await call<Body>(api, { body: {} }))
/** deleteDemo deletes its rules and archives its signals; its events stay. */
export const deleteDemo = async (): Promise<Demo> => demoOf(await call<Body>(api, { method: 'DELETE' }))
