import { call } from './client'

/** SQLResult is a table as the engine answered it: a list a row. */
export interface SQLResult {
  columns: { name: string; type: string }[]
  rows: unknown[][]
  /** There were more rows than are here. */
  truncated: boolean
  elapsed: number
  warnings: string[]
}

/** askSQL runs one statement that reads. Aborting it ends it in the database, too. */
export async function askSQL(query: string, signal: AbortSignal): Promise<SQLResult> {
  const r = await call<{ columns?: { name: string; type: string }[]; rows?: unknown[][]; truncated?: boolean; elapsed_ms?: number; warnings?: string[] }>('/api/nightjar/v1/sql', { body: { query }, signal })
  return { columns: r.columns ?? [], rows: r.rows ?? [], truncated: r.truncated ?? false, elapsed: r.elapsed_ms ?? 0, warnings: r.warnings ?? [] }
}
