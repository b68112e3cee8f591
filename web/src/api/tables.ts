import { call } from './client'

/** Column is a field of a table; match is how rules compare with it, empty: by its values. */
export interface Column {
  name: string
  type: string
  match: string
}

/** ReferenceTable is a table that rules look values up in. The time is in milliseconds since 1970. */
export interface ReferenceTable {
  id: string
  name: string
  description: string
  rows: number
  fields: Column[]
  key: string
  status: string
  error: string
  updated: number
  by: string
}

interface FieldBody { name?: string; type?: string; match?: string }
interface Body {
  id?: string
  attributes?: {
    table_name?: string; description?: string; row_count?: number; status?: string; updated_at?: string; last_updated_by?: string; created_by?: string
    schema?: { fields?: FieldBody[]; primary_keys?: string[] }; file_metadata?: { error_message?: string }
  }
}

const api = '/api/v2/reference-tables/tables'
const own = '/api/nightjar/v1/reference_tables'
const at = (id: string) => `${api}/${encodeURIComponent(id)}`

/** listTables reads all of them, page by page. */
export async function listTables(signal: AbortSignal): Promise<ReferenceTable[]> {
  const all: ReferenceTable[] = []
  for (;;) {
    const body = await call<{ data?: Body[] }>(api, { query: { 'page[limit]': 100, 'page[offset]': all.length, sort: 'table_name' }, signal })
    const page = (body.data ?? []).map(tableOf)
    all.push(...page)
    if (page.length < 100) return all
  }
}

export const readTable = async (id: string, signal: AbortSignal): Promise<ReferenceTable> => tableOf((await call<{ data: Body }>(at(id), { signal })).data)

const columnOf = (f: FieldBody): Column => ({ name: f.name ?? '', type: f.type ?? 'STRING', match: f.match ?? '' })
const tableOf = ({ id, attributes: a }: Body): ReferenceTable => ({
  id: id ?? '', name: a?.table_name ?? '', description: a?.description ?? '', rows: a?.row_count ?? 0, fields: (a?.schema?.fields ?? []).map(columnOf), key: a?.schema?.primary_keys?.[0] ?? '',
  status: a?.status ?? '', error: a?.file_metadata?.error_message ?? '', updated: Date.parse(a?.updated_at ?? '') || 0, by: a?.last_updated_by || a?.created_by || '',
})

/** ofThreatList reports whether a threat list keeps the table: nobody else changes its rows. */
export const ofThreatList = (t: ReferenceTable): boolean => t.name.startsWith('threat_')

export interface Row {
  id: string
  values: Record<string, string>
}

interface RowBody { id?: string; attributes?: { values?: Record<string, string | number | null> } }
const rowOf = (r: RowBody): Row => ({ id: r.id ?? '', values: Object.fromEntries(Object.entries(r.attributes?.values ?? {}).map(([k, v]) => [k, v === null ? '' : String(v)])) })

/** listRows reads a page of rows in the order of their keys; containing is in one of their values. */
export async function listRows(id: string, containing: string, token: string | undefined, limit: number, signal: AbortSignal): Promise<{ rows: Row[]; next: string | undefined }> {
  const body = await call<{ data?: RowBody[]; meta?: { page?: { next_continuation_token?: string } } }>(`${at(id)}/rows/list`, { query: { 'page[limit]': limit, 'page[continuation_token]': token, contains: containing || undefined }, signal })
  return { rows: (body.data ?? []).map(rowOf), next: body.meta?.page?.next_continuation_token || undefined }
}

/** readRow is a row by its key; undefined: there is none. */
export async function readRow(id: string, key: string, signal?: AbortSignal): Promise<Row | undefined> {
  const body = await call<{ included?: RowBody[] }>('/api/v2/reference-tables/queries/batch-rows', {
    body: { data: { type: 'reference-tables-batch-rows-query', attributes: { table_id: id, row_ids: [key] } } }, ...(signal ? { signal } : {}),
  })
  return body.included?.[0] && rowOf(body.included[0])
}

/** putRow adds a row, or changes the one with this key: values that are not given stay. */
export const putRow = (id: string, row: Row): Promise<unknown> => call(`${at(id)}/rows`, { body: { data: [{ id: row.id, type: 'row', attributes: { values: row.values } }] } })

export const removeRows = (id: string, keys: string[]): Promise<unknown> => call(`${at(id)}/rows`, { method: 'DELETE', body: { data: keys.map((key) => ({ id: key, type: 'row' })) } })

/** addValue adds a row with this key and nothing else. One that is there stays as it is. */
export async function addValue(id: string, value: string): Promise<'added' | 'was there'> {
  if (await readRow(id, value)) return 'was there'
  await putRow(id, { id: value, values: {} })
  return 'added'
}

export interface Use {
  id: string
  name: string
  enabled: boolean
  columns: string[]
}

interface UseBody { id?: string; name?: string; is_enabled?: boolean; columns?: string[] }
const useOf = (u: UseBody): Use => ({ id: u.id ?? '', name: u.name ?? '', enabled: u.is_enabled ?? false, columns: u.columns ?? [] })

/** usesOf are the rules and pipelines that ask a table. */
export async function usesOf(id: string, signal: AbortSignal): Promise<{ rules: Use[]; pipelines: Use[] }> {
  const body = await call<{ rules?: UseBody[]; pipelines?: UseBody[] }>(`${own}/${encodeURIComponent(id)}/uses`, { signal })
  return { rules: (body.rules ?? []).map(useOf), pipelines: (body.pipelines ?? []).map(useOf) }
}

/** CheckedFile is what a file of CSV has, and what is wrong with it. */
export interface CheckedFile {
  fields: Column[]
  key: string
  header: boolean
  rows: number
  replaced: number
  mistakes: number
  /** It has so many mistakes that it was read up to this line only; 0: all of it was read. */
  readThrough: number
  problems: { line: number; column: number; message: string }[]
  first: string[][]
}

/** checkFile reads a text as a table would; of a new table the key is the first column unless said. */
export async function checkFile(text: string, as: { table: string } | { key: string }, signal: AbortSignal): Promise<CheckedFile> {
  const b = await call<{ fields?: FieldBody[]; key?: string; header?: boolean; rows?: number; replaced?: number; mistakes?: number; partial?: boolean; read_through?: number; problems?: { line?: number; column?: number; message?: string }[]; first?: { values?: string[] }[] }>(
    `${own}/check`, { body: 'table' in as ? { text, table_id: as.table } : { text, key: as.key }, signal })
  return {
    fields: (b.fields ?? []).map(columnOf), key: b.key ?? '', header: b.header ?? false, rows: b.rows ?? 0, replaced: b.replaced ?? 0, mistakes: b.mistakes ?? 0, readThrough: b.partial ? (b.read_through ?? 0) : 0,
    problems: (b.problems ?? []).map((p) => ({ line: p.line ?? 0, column: p.column ?? 0, message: p.message ?? '' })), first: (b.first ?? []).map((r) => r.values ?? []),
  }
}

const partBytes = 64 << 20
const mostParts = 20

/** upload sends a file in parts, and gives the id by which a table takes it. */
async function upload(name: string, file: Blob): Promise<string> {
  const parts = Math.max(1, Math.ceil(file.size / partBytes))
  if (parts > mostParts) throw new Error(`A file has at most ${(mostParts * partBytes) >> 20} MB.`)
  const { data } = await call<{ data: { id: string; attributes: { part_urls: string[] } } }>('/api/v2/reference-tables/uploads', {
    body: { data: { type: 'upload', attributes: { table_name: name, headers: [], part_count: parts, part_size: Math.max(1, Math.min(partBytes, file.size)) } } },
  })
  for (const [i, url] of data.attributes.part_urls.entries()) {
    const { pathname, search } = new URL(url, location.origin) // a proxy may call the engine otherwise
    const answer = await fetch(pathname + search, { method: 'PUT', body: file.slice(i * partBytes, (i + 1) * partBytes) })
    if (!answer.ok) throw new Error(`Part ${i + 1} of ${parts} was not taken: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
  }
  return data.id
}

/** createTable makes a table of a file, and gives its id. The error of a file that can't be read is the table's. */
export async function createTable(of: { name: string; description: string; fields: Column[]; key: string }, file: Blob): Promise<ReferenceTable> {
  const id = await upload(of.name, file)
  const attributes = {
    table_name: of.name, description: of.description, source: 'LOCAL_FILE', file_metadata: { upload_id: id },
    schema: { fields: of.fields.map((f) => ({ name: f.name, type: f.type, ...(f.match === '' ? {} : { match: f.match }) })), primary_keys: [of.key] },
  }
  return tableOf((await call<{ data: Body }>(api, { body: { data: { type: 'reference_table', attributes } } })).data)
}

/** replaceRows makes the rows of a table those of a file; one with a mistake changes nothing. */
export async function replaceRows(t: ReferenceTable, file: Blob): Promise<void> {
  const id = await upload(t.name, file)
  await call(at(t.id), { method: 'PATCH', body: { data: { type: 'reference_table', attributes: { file_metadata: { upload_id: id } } } } })
}

export const describeTable = (id: string, description: string): Promise<unknown> => call(at(id), { method: 'PATCH', body: { data: { type: 'reference_table', attributes: { description } } } })
export const deleteTable = (id: string): Promise<unknown> => call(at(id), { method: 'DELETE' })
