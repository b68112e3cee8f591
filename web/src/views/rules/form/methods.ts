import type { Rule, RuleQuery } from '../../../api/rules'
import { listAt, put, textAt, textsAt, valueAt } from './place'

export interface Method {
  id: string
  name: string
  says: string
}

/** The methods, and what each does. */
export const methods: Method[] = [
  { id: 'threshold', name: 'Threshold', says: 'Counts what matches within a window: so many, none any more, or one thing then another.' },
  { id: 'new_value', name: 'New value', says: 'A value that its group has not had before.' },
  { id: 'anomaly_detection', name: 'Anomaly', says: 'A count unlike what was learned of its group, by hour and weekday.' },
  { id: 'content_anomaly', name: 'Content anomaly', says: 'A text that few earlier ones of its group are similar to. Nightjar’s own.' },
  { id: 'impossible_travel', name: 'Impossible travel', says: 'One user at two places over 500 km apart, faster than 1,000 km/h.' },
  { id: 'sequence_detection', name: 'Sequence', says: 'Up to ten steps of one group that follow one another in time.' },
  { id: 'third_party', name: 'Third party', says: 'Another product’s alerts become signals, graded by queries.' },
  { id: 'hardcoded', name: 'Hardcoded', says: 'An evaluator of the vendor’s. It is kept, and not evaluated.' },
  { id: 'anomaly_threshold', name: 'Anomaly threshold', says: 'It is kept, and not evaluated.' },
]

export const types: Method[] = [
  { id: 'log_detection', name: 'Logs', says: 'Events of any source.' },
  { id: 'workload_security', name: 'Workload', says: 'What agents saw on hosts, by their rules in SECL.' },
  { id: 'signal_correlation', name: 'Signals of rules', says: 'Signals of other rules that come together.' },
  { id: 'workload_activity', name: 'Workload activity', says: 'As workload, under the older name.' },
  { id: 'application_security', name: 'Application security', says: 'Traces. Their data source is not collected.' },
  { id: 'api_security', name: 'API security', says: 'Traces. Their data source is not collected.' },
]

/** Over signals, these can be evaluated. */
export const correlating = ['threshold', 'sequence_detection']

/** windowless are methods whose evaluation window plays no part. */
export const windowless = ['impossible_travel', 'third_party', 'sequence_detection']
export const methodOf = (rule: Rule): string => rule.options?.detectionMethod ?? 'threshold'
export const isOfSignals = (rule: Rule): boolean => rule.type === 'signal_correlation'
export const isOfWorkload = (rule: Rule): boolean => rule.type === 'workload_security' || rule.type === 'workload_activity'

/** labelOf is what conditions call a query: its name, or a letter by its position. */
export const labelOf = (q: RuleQuery, i: number): string => q.name || (i < 26 ? 'abcdefghijklmnopqrstuvwxyz'[i] ?? '' : `a${i}`)
export const labelsOf = (rule: Rule): string[] => (rule.queries ?? []).map(labelOf)

const bareQuery = (name: string): RuleQuery => ({ name, query: '', aggregation: 'count', groupByFields: [] })

/** newQuery is one more, grouped as the first. */
export function newQuery(rule: Rule): RuleQuery {
  const taken = labelsOf(rule)
  const name = ['events', 'other', 'third'].find((n) => !taken.includes(n)) ?? `query_${taken.length + 1}`
  const first = rule.queries?.[0]
  if (isOfSignals(rule)) return { name, ruleId: '', aggregation: 'event_count', correlatedByFields: [...textsAt(rule, 'queries[0].correlatedByFields')] }
  return { ...bareQuery(name), aggregation: first?.aggregation ?? 'count', groupByFields: [...(first?.groupByFields ?? [])], ...(first?.['metrics'] ? { metrics: structuredClone(first['metrics']) } : {}) }
}

/** adopt makes a rule one of a method: what the method needs is added, what was written stays. */
export function adopt(rule: Rule, method: string): void {
  const before = methodOf(rule)
  put(rule, 'options.detectionMethod', method)
  if (before === 'third_party' && method !== 'third_party') fromThirdParty(rule)
  const each = (change: (q: RuleQuery) => void) => (rule.queries ?? []).forEach(change)
  switch (method) {
    case 'new_value':
      each((q) => void (q.aggregation = 'new_value'))
      put(rule, 'options.newValueOptions', valueAt(rule, 'options.newValueOptions') ?? { forgetAfter: 28, learningDuration: 7, learningMethod: 'duration' })
      return
    case 'impossible_travel':
      each((q) => {
        q.aggregation = 'geo_data'
        q['metrics'] = textsOf(q['metrics']).length === 1 ? q['metrics'] : ['@network.client.geoip']
        if ((q.groupByFields ?? []).length === 0) q.groupByFields = ['@usr.id']
      })
      put(rule, 'options.impossibleTravelOptions', valueAt(rule, 'options.impossibleTravelOptions') ?? { baselineUserLocations: true })
      return
    case 'anomaly_detection':
      each(counting)
      for (const c of rule.cases ?? []) if (!/\d\.\d/.test(c.condition ?? '')) c.condition = `${labelsOf(rule)[0] ?? 'a'} > 0.995`
      put(rule, 'options.anomalyDetectionOptions', valueAt(rule, 'options.anomalyDetectionOptions') ?? { bucketDuration: 300, learningDuration: 24, detectionTolerance: 1 })
      put(rule, 'options.evaluationWindow', 1800)
      if (Number(valueAt(rule, 'options.keepAlive') ?? 0) < 1800) put(rule, 'options.keepAlive', 3600)
      return
    case 'content_anomaly':
      each(counting)
      put(rule, 'options.contentAnomalyOptions', valueAt(rule, 'options.contentAnomalyOptions') ?? {})
      return
    case 'sequence_detection':
      each(counting)
      if (listAt(rule, 'options.sequenceDetectionOptions.steps').length === 0) addSteps(rule)
      return
    case 'third_party':
      return toThirdParty(rule)
    case 'hardcoded':
      put(rule, 'options.hardcodedEvaluatorType', valueAt(rule, 'options.hardcodedEvaluatorType') ?? 'log4shell')
      return
    default:
      each(counting)
      if (before === 'anomaly_detection') for (const c of rule.cases ?? []) c.condition = `${labelsOf(rule)[0] ?? 'a'} >= 1`
  }
}

const textsOf = (v: unknown): unknown[] => (Array.isArray(v) ? v : [])

/** counting takes an aggregation away that one method has. */
function counting(q: RuleQuery): void {
  if (['new_value', 'geo_data', 'none'].includes(q.aggregation ?? '')) q.aggregation = 'count'
}

/** addSteps makes a step of each query, an hour apart. */
function addSteps(rule: Rule): void {
  if ((rule.queries ?? []).length < 2) rule.queries = [...(rule.queries ?? []), newQuery(rule)]
  const names = labelsOf(rule).map((_, i) => `step_${'abcdefghij'[i] ?? i}`).slice(0, 10)
  const steps = names.map((name, i) => ({ name, condition: `${labelsOf(rule)[i] ?? 'a'} > 0`, evaluationWindow: 0 }))
  const stepTransitions = names.slice(1).map((child, i) => ({ parent: names[i] ?? '', child, evaluationWindow: 3600 }))
  put(rule, 'options.sequenceDetectionOptions', { steps, stepTransitions })
  const last = names.at(-1) ?? ''
  rule.cases = (rule.cases ?? []).length === 0 ? [{ name: '', status: 'high', condition: `${last} > 0`, notifications: [] }] : (rule.cases ?? []).slice(0, 1).map((c) => ({ ...c, condition: `${last} > 0` }))
}

function toThirdParty(rule: Rule): void {
  const queries = rule.queries ?? []
  const place = 'options.thirdPartyRuleOptions'
  if (listAt(rule, place + '.rootQueries').length === 0) {
    put(rule, place + '.rootQueries', queries.length === 0 ? [{ query: '', groupByFields: [] }] : queries.map((q) => ({ query: q.query ?? '', groupByFields: q.groupByFields ?? [] })))
  }
  if (valueAt(rule, place + '.defaultStatus') === undefined) put(rule, place + '.defaultStatus', 'info')
  if (listAt(rule, 'thirdPartyCases').length === 0) {
    rule['thirdPartyCases'] = (rule.cases ?? []).map((c) => ({ name: c.name ?? '', status: c.status, query: '@severity:' + c.status, notifications: c.notifications ?? [] }))
  }
  rule.queries = []
  rule.cases = []
}

function fromThirdParty(rule: Rule): void {
  const roots = listAt(rule, 'options.thirdPartyRuleOptions.rootQueries')
  rule.queries = roots.map((_, i) => ({
    ...bareQuery(i === 0 ? 'events' : `query_${i + 1}`), query: textAt(rule, `options.thirdPartyRuleOptions.rootQueries[${i}].query`),
    groupByFields: textsAt(rule, `options.thirdPartyRuleOptions.rootQueries[${i}].groupByFields`),
  }))
  if (rule.queries.length === 0) rule.queries = [bareQuery('events')]
  rule.cases = [{ name: '', status: 'medium', condition: `${labelsOf(rule)[0] ?? 'a'} >= 1`, notifications: [] }]
  delete rule['thirdPartyCases']
  put(rule, 'options.thirdPartyRuleOptions', undefined)
}

/** beOf makes a rule that is not stored yet one of a type. */
export function beOf(rule: Rule, type: string): void {
  const before = rule.type
  rule.type = type
  const isSignals = type === 'signal_correlation'
  if (isSignals && !correlating.includes(methodOf(rule))) adopt(rule, 'threshold')
  if (isSignals !== (before === 'signal_correlation')) {
    rule.queries = [newQuery({ ...rule, queries: [] })]
    rule.cases = (rule.cases ?? []).map((c) => ({ ...c, condition: 'events > 0' }))
  }
  for (const q of rule.queries ?? []) delete q['dataSource'] // that of the type holds
  const first = rule.queries?.[0]
  if (type.startsWith('workload') && first && (first.query ?? '') === '') first.query = '@agent.rule_id:'
}
