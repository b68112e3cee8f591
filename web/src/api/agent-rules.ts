import { call } from './client'

/** AgentRule is what agents look for on hosts. */
export interface AgentRule {
  id: string
  name: string
  description: string
  /** SECL. */
  expression: string
  enabled: boolean
  builtIn: boolean
  /** The ids of the policies in which it blocks or reports. */
  policies: string[]
}

interface Body {
  id: string
  attributes?: { name?: string; description?: string; expression?: string; enabled?: boolean; defaultRule?: boolean; blocking?: string[]; monitoring?: string[] }
}

const ruleOf = ({ id, attributes: a }: Body): AgentRule => ({
  id, name: a?.name ?? '', description: a?.description ?? '', expression: a?.expression ?? '', enabled: a?.enabled ?? true, builtIn: a?.defaultRule ?? false,
  policies: [...(a?.blocking ?? []), ...(a?.monitoring ?? [])],
})

const api = '/api/v2/remote_config/products/cws/agent_rules'

export const listAgentRules = async (signal: AbortSignal): Promise<AgentRule[]> => ((await call<{ data?: Body[] }>(api, { signal })).data ?? []).map(ruleOf)

export interface AgentPolicy {
  id: string
  name: string
  enabled: boolean
}

export async function listAgentPolicies(signal: AbortSignal): Promise<AgentPolicy[]> {
  const { data } = await call<{ data?: { id: string; attributes?: { name?: string; enabled?: boolean } }[] }>('/api/v2/remote_config/products/cws/policy', { signal })
  return (data ?? []).map((p) => ({ id: p.id, name: p.attributes?.name ?? '', enabled: p.attributes?.enabled ?? false }))
}

/** createAgentRule makes a rule that reports, in a policy. */
export async function createAgentRule(r: { name: string; description: string; expression: string }, policy: string): Promise<AgentRule> {
  const attributes = { ...r, enabled: true, product_tags: [], ...(policy === '' ? {} : { monitoring: [policy] }) }
  return ruleOf((await call<{ data: Body }>(api, { body: { data: { type: 'agent_rule', attributes } } })).data)
}

/** updateAgentRule replaces what is said, and nothing else. */
export async function updateAgentRule(id: string, attributes: { expression?: string; description?: string; enabled?: boolean }): Promise<AgentRule> {
  return ruleOf((await call<{ data: Body }>(`${api}/${encodeURIComponent(id)}`, { method: 'PATCH', body: { data: { id, type: 'agent_rule', attributes } } })).data)
}

export interface Mistake {
  line: number
  column: number
  message: string
  hint: string
}

/** checkExpression says what is wrong with an expression of SECL. */
export async function checkExpression(expression: string, signal: AbortSignal): Promise<Mistake[]> {
  const { mistakes } = await call<{ mistakes?: Partial<Mistake>[] }>('/api/nightjar/v1/agent_rules/check', { body: { expression }, signal })
  return (mistakes ?? []).map((m) => ({ line: m.line ?? 1, column: m.column ?? 1, message: m.message ?? '', hint: m.hint ?? '' }))
}
