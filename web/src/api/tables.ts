import { call } from './client'

/** ReferenceTable is a table that rules look values up in. The time is in milliseconds since 1970. */
export interface ReferenceTable {
  id: string
  name: string
  description: string
  rows: number
  fields: string[]
  keys: string[]
  status: string
  error: string
  updated: number
  by: string
}

interface Body {
  id?: string
  attributes?: {
    table_name?: string; description?: string; row_count?: number; status?: string; updated_at?: string; last_updated_by?: string; created_by?: string
    schema?: { fields?: { name?: string }[]; primary_keys?: string[] }; file_metadata?: { error_message?: string }
  }
}

/** listTables reads all of them, page by page. */
export async function listTables(signal: AbortSignal): Promise<ReferenceTable[]> {
  const all: ReferenceTable[] = []
  for (;;) {
    const body = await call<{ data?: Body[] }>('/api/v2/reference-tables/tables', { query: { 'page[limit]': 100, 'page[offset]': all.length, sort: 'table_name' }, signal })
    const page = (body.data ?? []).map(tableOf)
    all.push(...page)
    if (page.length < 100) return all
  }
}

const tableOf = ({ id, attributes: a }: Body): ReferenceTable => ({
  id: id ?? '', name: a?.table_name ?? '', description: a?.description ?? '', rows: a?.row_count ?? 0, fields: (a?.schema?.fields ?? []).map((f) => f.name ?? ''), keys: a?.schema?.primary_keys ?? [],
  status: a?.status ?? '', error: a?.file_metadata?.error_message ?? '', updated: Date.parse(a?.updated_at ?? '') || 0, by: a?.last_updated_by || a?.created_by || '',
})
