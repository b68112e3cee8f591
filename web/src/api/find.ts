import { quoted } from '../state/text'
import { call, APIError } from './client'
import { readSignal } from './signals'

/** Named is something that has a name and an id. */
export interface Named {
  id: string
  name: string
}

const most = 8

/** findRules are rules whose name, or something else of theirs, has words that begin as these do. */
export async function findRules(text: string, signal: AbortSignal): Promise<Named[]> {
  const words = text.split(/\s+/).filter((w) => w !== '').map((w) => (/^[\p{L}\p{N}]+$/u.test(w) ? w + '*' : quoted(w)))
  if (words.length === 0) return []
  const page = await call<{ data?: { id: string; name?: string }[] }>('/api/nightjar/v1/rules', { query: { query: words.join(' '), 'page[size]': most }, signal })
  return (page.data ?? []).map((r) => ({ id: r.id, name: r.name ?? '' }))
}

/** findSignal is the signal that has this id; undefined: none. */
export async function findSignal(id: string, signal: AbortSignal): Promise<Named | undefined> {
  if (!/^[\w-]{12,64}$/.test(id)) return undefined
  try {
    const { signal: s } = await readSignal(id, signal)
    return { id: s.id, name: s.title }
  } catch (e) {
    if (e instanceof APIError && (e.status === 404 || e.status === 400)) return undefined
    throw e
  }
}
