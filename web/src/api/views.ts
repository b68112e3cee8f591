import { call } from './client'

/** SavedView is an address with a name, a person's own or for everybody. */
export interface SavedView {
  id: string
  name: string
  address: string
  shared: boolean
  owner: string
  /** The caller may change it. */
  mine: boolean
}

const api = '/api/nightjar/v1/views'

export async function listViews(kind: 'signals' | 'search', signal?: AbortSignal): Promise<SavedView[]> {
  const body = await call<{ views?: Partial<SavedView>[] }>(api, { query: { kind }, ...(signal ? { signal } : {}) })
  return (body.views ?? []).map((v) => ({ id: v.id ?? '', name: v.name ?? '', address: v.address ?? '', shared: v.shared ?? false, owner: v.owner ?? '', mine: v.mine ?? false }))
}

export const saveView = (kind: 'signals' | 'search', name: string, address: string, shared: boolean): Promise<unknown> =>
  call(api, { body: { name, kind, address, shared } })

export const deleteView = (id: string): Promise<unknown> => call(`${api}/${encodeURIComponent(id)}`, { method: 'DELETE' })

/** SavedStatement is SQL with a name. */
export interface SavedStatement extends Omit<SavedView, 'address'> {
  statement: string
}

export async function listStatements(signal?: AbortSignal): Promise<SavedStatement[]> {
  const body = await call<{ views?: Partial<SavedStatement>[] }>(api, { query: { kind: 'sql' }, ...(signal ? { signal } : {}) })
  return (body.views ?? []).map((v) => ({ id: v.id ?? '', name: v.name ?? '', statement: v.statement ?? '', shared: v.shared ?? false, owner: v.owner ?? '', mine: v.mine ?? false }))
}

export const saveStatement = (name: string, statement: string, shared: boolean): Promise<unknown> => call(api, { body: { name, kind: 'sql', statement, shared } })
