import { call } from './client'
import { bodyOf, type Filter, type Signal } from './signals'
import { attributesOf, type Change } from './triage'

/** Job is one change of many signals, which can be undone as one. */
export interface Job {
  id: string
  /** running, done, undoing, undone or failed */
  state: string
  found: number
  changed: number
  /** Left alone: the engine archived them, they are gone, or somebody changed them since. */
  left: number
  /** Of those left, the ones that somebody changed since they were read. */
  changedSince: number
  undone: number
  /** Left at the undo, because somebody changed them since. */
  leftAtUndo: number
  problem: string
}

interface Body {
  id: string
  state: string
  found?: number
  changed?: number
  left?: number
  changed_since?: number
  undone?: number
  left_at_undo?: number
  problem?: string
}

const api = '/api/nightjar/v1/signals/triage/jobs'

const jobOf = (b: Body): Job => ({
  id: b.id, state: b.state, found: b.found ?? 0, changed: b.changed ?? 0, left: b.left ?? 0, changedSince: b.changed_since ?? 0, undone: b.undone ?? 0, leftAtUndo: b.left_at_undo ?? 0, problem: b.problem ?? '',
})

/** Most are so many signals as one job changes. */
export const mostOfAJob = 10_000

/**
 * changeMany changes signals, or all that a filter selects, and waits until that is done.
 * A signal that somebody changed since it was read is left alone.
 */
export async function changeMany(which: { signals: Signal[] } | { filter: Filter }, c: Change): Promise<Job> {
  const selected = 'signals' in which ? chosen(which.signals) : { filter: bodyOf(which.filter) }
  return ended(jobOf(await call<Body>(api, { body: { ...selected, change: attributesOf(c), request_id: crypto.randomUUID() } })))
}

function chosen(signals: Signal[]): { ids: string[]; versions?: number[] } {
  const versions = signals.flatMap((s) => s.version ?? [])
  return { ids: signals.map((s) => s.id), ...(versions.length === signals.length ? { versions } : {}) }
}

/** readJob reads a job. Those that are long over are forgotten. */
export const readJob = async (id: string, signal: AbortSignal): Promise<Job> => jobOf(await call<Body>(`${api}/${encodeURIComponent(id)}`, { signal }))

/** undoJob puts back what nobody changed since. */
export async function undoJob(id: string): Promise<Job> {
  return ended(jobOf(await call<Body>(`${api}/${encodeURIComponent(id)}/undo`, { body: {} })))
}

async function ended(job: Job): Promise<Job> {
  for (let j = job, pause = 50; ; pause = Math.min(1000, pause * 1.5)) {
    if (j.state === 'failed') throw new Error(j.problem || 'It failed.')
    if (j.state !== 'running' && j.state !== 'undoing') return j
    await new Promise((done) => setTimeout(done, pause))
    j = jobOf(await call<Body>(`${api}/${encodeURIComponent(j.id)}`))
  }
}
