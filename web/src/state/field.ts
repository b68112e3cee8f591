// Fields of events and signals, as searches name them.
import type { Event } from '../api/events'

const kinds: Record<string, string> = {
  'network.client.ip': 'ip', 'network.destination.ip': 'ip', 'usr.id': 'usr', 'usr.name': 'usr', 'usr.email': 'usr', 'process.user': 'usr',
  host: 'host', 'container.id': 'ctr', service: 'svc', source: 'src', 'process.file.path': 'file', 'file.path': 'file',
}

/** kindOf is a field in at most four letters. */
export function kindOf(field: string): string {
  const name = field.replace(/^@/, '')
  return kinds[name] ?? (name.split('.').at(-1) ?? '').slice(0, 4)
}

/** fieldOf is what an event has in a field, as a search names it; empty: nothing, or more than one value. */
export function fieldOf(e: Event, field: string): string {
  if (isReserved(field)) return e[field]
  if (!field.startsWith('@')) return e.tags.find((t) => t.startsWith(field + ':'))?.slice(field.length + 1) ?? ''
  let at: unknown = e.attributes
  for (const part of field.slice(1).split('.')) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined
  return at === undefined || at === null || typeof at === 'object' ? '' : String(at)
}

const reserved = ['source', 'host', 'service', 'status', 'message'] as const
const isReserved = (field: string): field is (typeof reserved)[number] => (reserved as readonly string[]).includes(field)

/** fieldsOf are all that an event has, as searches name them; of a list each value by itself. */
export function fieldsOf(e: Event): { field: string; value: string }[] {
  const all = reserved.filter((f) => f !== 'message' && e[f] !== '').map((field) => ({ field: field as string, value: e[field] }))
  for (const t of e.tags) {
    const colon = t.indexOf(':')
    all.push(colon > 0 ? { field: t.slice(0, colon), value: t.slice(colon + 1) } : { field: 'tags', value: t })
  }
  const walk = (at: unknown, name: string) => {
    if (Array.isArray(at)) at.forEach((v) => walk(v, name))
    else if (typeof at === 'object' && at !== null) for (const [k, v] of Object.entries(at)) walk(v, name === '' ? '@' + k : `${name}.${k}`)
    else if (at !== undefined && at !== null && at !== '') all.push({ field: name, value: String(at) })
  }
  walk(e.attributes, '')
  return all
}

/** whatOf is an event in a line: its message, or what an agent saw. */
export function whatOf(e: Event): string {
  if (e.message !== '') return e.message
  const process = e.attributes['process'] as { file?: { path?: string }; args?: string } | undefined
  const name = (e.attributes['evt'] as { name?: string } | undefined)?.name ?? ''
  return [name, process?.file?.path ?? '', process?.args ?? ''].filter((t) => t !== '').join(' ') || JSON.stringify(e.attributes)
}
