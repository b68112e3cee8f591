import { call } from './client'

/** Policy is which agent rules are for which hosts. Times are in milliseconds since 1970. */
export interface Policy {
  id: string
  name: string
  description: string
  enabled: boolean
  builtIn: boolean
  /** The hosts have all tags of one of the lists; none: all hosts. */
  tags: string[][]
  /** blocking: what the policy monitors, it blocks; empty: as each rule says. */
  mode: string
  blocking: number
  monitoring: number
  disabled: number
  rules: number
  version: string
  updated: number
}

interface Body {
  id?: string
  attributes?: {
    name?: string; description?: string; enabled?: boolean; datadogManaged?: boolean; hostTagsLists?: string[][]; mode?: string; blockingRulesCount?: number; monitoringRulesCount?: number
    disabledRulesCount?: number; ruleCount?: number; policyVersion?: string; updateDate?: number
  }
}

const policies = '/api/v2/remote_config/products/cws/policy'
const policyOf = ({ id, attributes: a }: Body): Policy => ({
  id: id ?? '', name: a?.name ?? '', description: a?.description ?? '', enabled: a?.enabled ?? false, builtIn: a?.datadogManaged ?? false, tags: a?.hostTagsLists ?? [], mode: a?.mode ?? '',
  blocking: a?.blockingRulesCount ?? 0, monitoring: a?.monitoringRulesCount ?? 0, disabled: a?.disabledRulesCount ?? 0, rules: a?.ruleCount ?? 0, version: a?.policyVersion ?? '', updated: a?.updateDate ?? 0,
})
const path = (id: string): string => `${policies}/${encodeURIComponent(id)}`

export const listPolicies = async (signal: AbortSignal): Promise<Policy[]> => ((await call<{ data?: Body[] }>(policies, { signal })).data ?? []).map(policyOf)

/** savePolicy makes a policy, or, where it has an id, changes it. */
export async function savePolicy(p: Pick<Policy, 'id' | 'name' | 'description' | 'enabled' | 'tags' | 'mode'>): Promise<Policy> {
  const attributes = { name: p.name, description: p.description, enabled: p.enabled, hostTagsLists: p.tags, mode: p.mode }
  const body = { data: { type: 'policy', ...(p.id === '' ? {} : { id: p.id }), attributes } }
  return policyOf((await (p.id === '' ? call<{ data: Body }>(policies, { body }) : call<{ data: Body }>(path(p.id), { method: 'PATCH', body }))).data)
}
export const deletePolicy = (id: string): Promise<unknown> => call(path(id), { method: 'DELETE' })

export type Mode = 'blocking' | 'monitoring' | 'disabled'

/** PolicyRule is an agent rule as it is in a policy. */
export interface PolicyRule {
  id: string
  name: string
  description: string
  expression: string
  enabled: boolean
  mode: Mode
  /** In which policies it has which mode. */
  in: Record<Mode, string[]>
}

interface RuleBody {
  id?: string
  attributes?: { name?: string; description?: string; expression?: string; enabled?: boolean; blocking?: string[]; monitoring?: string[]; disabled?: string[] }
}

const rules = '/api/v2/remote_config/products/cws/agent_rules'

export async function rulesOfPolicy(policy: string, signal: AbortSignal): Promise<PolicyRule[]> {
  const body = await call<{ data?: RuleBody[] }>(rules, { query: { policy_id: policy }, signal })
  return (body.data ?? []).map(({ id, attributes: a }) => {
    const all: Record<Mode, string[]> = { blocking: a?.blocking ?? [], monitoring: a?.monitoring ?? [], disabled: a?.disabled ?? [] }
    const mode: Mode = all.blocking.includes(policy) ? 'blocking' : all.monitoring.includes(policy) ? 'monitoring' : 'disabled'
    return { id: id ?? '', name: a?.name ?? '', description: a?.description ?? '', expression: a?.expression ?? '', enabled: a?.enabled ?? false, mode, in: all }
  })
}

/** setMode says what a rule does in a policy; elsewhere it stays as it is. */
export async function setMode(rule: PolicyRule, policy: string, mode: Mode): Promise<unknown> {
  const without = (ids: string[]) => ids.filter((id) => id !== policy)
  const attributes = { blocking: without(rule.in.blocking), monitoring: without(rule.in.monitoring), disabled: without(rule.in.disabled) }
  attributes[mode].push(policy)
  return call(`${rules}/${encodeURIComponent(rule.id)}`, { method: 'PATCH', body: { data: { id: rule.id, type: 'agent_rule', attributes } } })
}
