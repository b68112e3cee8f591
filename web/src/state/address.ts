// The address is the state: what is asked, which row is open, which columns are shown.
// A person's act is a new entry of the history, typing replaces the present one, and
// what happens by itself (live) changes nothing.
import { createStore, useStore } from './store'

export interface Address {
  /** The parts of the path: ['signals', 'ID']. */
  parts: string[]
  query: URLSearchParams
}

function read(): Address {
  const parts = location.pathname.split('/').filter((p) => p !== '').map(decode)
  return { parts, query: new URLSearchParams(location.search) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // no valid escape: as it stands
  }
}

const address = createStore<Address>(read())
addEventListener('popstate', () => address.set(read()))

export const useAddress = (): Address => useStore(address)

export type Step = 'push' | 'replace'

/** go leads to another address of the page. */
export function go(to: string, step: Step = 'push'): void {
  if (to === location.pathname + location.search) return
  if (step === 'push') history.pushState(null, '', to)
  else history.replaceState(null, '', to)
  address.set(read())
}

/** Parts of a query: one value, or several of a name. */
export type Parts = Record<string, string | string[] | undefined>

/** change sets parts of the query; an empty value takes one out. */
export function change(parts: Parts, step: Step = 'push'): void {
  go(withChanges(parts), step)
}

/** withChanges is the address that change leads to. */
export function withChanges(parts: Parts): string {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(parts)) {
    query.delete(name)
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) if (one !== '') query.append(name, one)
  }
  const text = query.toString()
  return location.pathname + (text === '' ? '' : '?' + text)
}

/** pathOf is an address with these parts and query. */
export function pathOf(parts: string[], query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value)
  const text = search.toString()
  return '/' + parts.map(encodeURIComponent).join('/') + (text === '' ? '' : '?' + text)
}

/** entityPath is where all that is known of a value is; a path can't have . and .. in it. */
export const entityPath = (field: string, value: string): string => (/^\.{1,2}$/.test(value) ? pathOf(['entity', field], { value }) : pathOf(['entity', field, value]))

/** tablePath is a row of a reference table. */
export const tablePath = (id: string, row: string): string => pathOf(['sources', 'tables', id], { row })

/** listsPath is what threat lists say of a value. */
export const listsPath = (value: string): string => pathOf(['sources', 'intel'], { value })

/** followLinks makes links of the page change the address instead of loading it anew. */
export function followLinks(): void {
  document.addEventListener('click', (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    const link = (e.target as Element | null)?.closest?.('a')
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute('download') || link.dataset.leave !== undefined) return
    e.preventDefault()
    go(link.pathname + link.search)
  })
}
