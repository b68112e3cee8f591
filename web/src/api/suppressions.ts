import { call } from './client'
import type { Severity } from './signals'

export interface NewSuppression {
  name: string
  description: string
  ruleID: string
  query: string
  /** In milliseconds since 1970; undefined: without end. */
  until: number | undefined
}

export interface HiddenSignal {
  id: string
  title: string
  group: string[]
  firstSeen: number
  severity: Severity
  /** The reason it was archived with; empty: it was not. */
  reason: string
}

/** Preview is what a suppression would have hidden in 90 days. */
export interface Preview {
  total: number
  hidden: HiddenSignal[]
  truncated: boolean
  warnings: string[]
}

function dataOf(s: NewSuppression) {
  return {
    data: {
      type: 'suppressions',
      attributes: {
        name: s.name, description: s.description, enabled: true, rule_query: 'id:' + s.ruleID, suppression_query: s.query,
        ...(s.until === undefined ? {} : { expiration_date: s.until }),
      },
    },
  }
}

interface Body {
  total?: number
  truncated?: boolean
  warnings?: string[]
  signals?: { id: string; rule_name: string; group?: string[]; first_seen: number; severity: Severity; archive_reason?: string }[]
}

export async function previewSuppression(s: NewSuppression, signal: AbortSignal): Promise<Preview> {
  const p = await call<Body>('/api/nightjar/v1/suppressions/preview', { body: dataOf({ ...s, until: undefined }), signal })
  return {
    total: p.total ?? 0, truncated: p.truncated ?? false, warnings: p.warnings ?? [],
    hidden: (p.signals ?? []).map((x) => ({ id: x.id, title: x.rule_name, group: x.group ?? [], firstSeen: x.first_seen, severity: x.severity, reason: x.archive_reason ?? '' })),
  }
}

const api = '/api/v2/security_monitoring/configuration/suppressions'

/** createSuppression keeps one, and gives its id. */
export async function createSuppression(s: NewSuppression): Promise<string> {
  return (await call<{ data: { id: string } }>(api, { body: dataOf(s) })).data.id
}

export const deleteSuppression = (id: string): Promise<void> => call(`${api}/${encodeURIComponent(id)}`, { method: 'DELETE' })
