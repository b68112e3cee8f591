import { call } from './client'

/** Deletion is what a query finds to be deleted, or what was. */
export interface Deletion {
  events: number
  /** What it does not reach, in words. */
  unreached: string[]
  /** What says that this was seen. */
  confirm: string
}

interface Body {
  events?: number | string
  unreached?: string[]
  confirm?: string
}

const deletions = '/api/nightjar/v1/deletions'
const deletionOf = (b: Body): Deletion => ({ events: Number(b.events ?? 0), unreached: b.unreached ?? [], confirm: b.confirm ?? '' })

export const previewDeletion = async (query: string, signal?: AbortSignal): Promise<Deletion> => deletionOf(await call<Body>(deletions + ':preview', { body: { query }, ...(signal ? { signal } : {}) }))
/** deleteEvents deletes what a preview showed. */
export const deleteEvents = async (query: string, confirm: string): Promise<Deletion> => deletionOf(await call<Body>(deletions, { body: { query, confirm } }))
