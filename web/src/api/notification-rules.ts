import { call } from './client'

/** Route says which signals whom are told of, how much in one, and who is told when nobody triages. Times are in seconds. */
export interface Route {
  id: string
  version: number
  name: string
  enabled: boolean
  targets: string[]
  severities: string[]
  ruleTypes: string[]
  query: string
  /** Told at most once in so long, all in one; 0: each. */
  digest: number
  escalateAfter: number
  escalateTo: string[]
}

interface RuleBody {
  id?: string
  attributes?: {
    name?: string; enabled?: boolean; version?: number; targets?: string[]; time_aggregation?: number; escalate_after?: number; escalate_to?: string[]
    selectors?: { severities?: string[]; rule_types?: string[]; query?: string }
  }
}

const rules = '/api/v2/security/signals/notification_rules'

const routeOf = ({ id, attributes: a }: RuleBody): Route => ({
  id: id ?? '', version: a?.version ?? 0, name: a?.name ?? '', enabled: a?.enabled ?? false, targets: a?.targets ?? [], severities: a?.selectors?.severities ?? [],
  ruleTypes: a?.selectors?.rule_types ?? [], query: a?.selectors?.query ?? '', digest: a?.time_aggregation ?? 0, escalateAfter: a?.escalate_after ?? 0, escalateTo: a?.escalate_to ?? [],
})

export async function listRoutes(signal: AbortSignal): Promise<Route[]> {
  return ((await call<{ data?: RuleBody[] }>(rules, { signal })).data ?? []).map(routeOf)
}

/** saveRoute makes a route, or, where it has an id, changes that; the warnings say what of it does nothing. */
export async function saveRoute(r: Route): Promise<string[]> {
  const attributes = {
    name: r.name, enabled: r.enabled, targets: r.targets, time_aggregation: r.digest, escalate_after: r.escalateAfter, escalate_to: r.escalateTo,
    selectors: { trigger_source: 'security_signals', severities: r.severities, rule_types: r.ruleTypes, query: r.query },
  }
  const made = r.id === ''
    ? await call<{ warnings?: string[] }>(rules, { body: { data: { type: 'notification_rules', attributes } } })
    : await call<{ warnings?: string[] }>(`${rules}/${encodeURIComponent(r.id)}`, { method: 'PATCH', body: { data: { id: r.id, type: 'notification_rules', attributes: { ...attributes, version: r.version } } } })
  return made.warnings ?? []
}

export const deleteRoute = (id: string): Promise<unknown> => call(`${rules}/${encodeURIComponent(id)}`, { method: 'DELETE' })
