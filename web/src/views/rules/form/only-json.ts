import type { Rule } from '../../../api/rules'

// What has a field; the rest is kept as it is, and named.
const ofRule = [
  'name', 'message', 'isEnabled', 'type', 'tags', 'queries', 'cases', 'options', 'filters', 'groupSignalsBy', 'hasExtendedTitle', 'thirdPartyCases', 'referenceTables', 'customName', 'customMessage', 'schedulingOptions', 'calculatedFields',
]
const ofOptions = [
  'detectionMethod', 'evaluationWindow', 'keepAlive', 'maxSignalDuration', 'decreaseCriticalityBasedOnEnv', 'hardcodedEvaluatorType', 'newValueOptions', 'anomalyDetectionOptions', 'contentAnomalyOptions',
  'impossibleTravelOptions', 'thirdPartyRuleOptions', 'sequenceDetectionOptions', 'silenceDelay', 'expectedGroups', 'caseInsensitive', 'relatedSignalsFields',
]
const ofQuery = ['name', 'query', 'aggregation', 'groupByFields', 'distinctFields', 'metrics', 'metric', 'dataSource', 'hasOptionalGroupByFields', 'customQueryExtension', 'ruleId', 'correlatedByFields', 'correlatedQueryIndex']
const ofCase = ['name', 'status', 'condition', 'notifications', 'query', 'customStatus', 'actions']
const ofMethod: Record<string, string> = {
  new_value: 'newValueOptions', anomaly_detection: 'anomalyDetectionOptions', content_anomaly: 'contentAnomalyOptions', impossible_travel: 'impossibleTravelOptions', third_party: 'thirdPartyRuleOptions',
  sequence_detection: 'sequenceDetectionOptions', hardcoded: 'hardcodedEvaluatorType',
}
const timeout = 'instantaneousBaselineTimeoutMinutes'

/** onlyInJSON are the places of a rule that say something and have no field in the form. */
export function onlyInJSON(rule: Rule): string[] {
  const beside = (of: object | undefined, known: string[], at: string) => Object.entries(of ?? {}).filter(([k, v]) => !known.includes(k) && saysSomething(v)).map(([k]) => at + k)
  const options = (rule.options ?? {}) as Record<string, unknown>
  const method = rule.options?.detectionMethod ?? 'threshold'
  const others = Object.entries(ofMethod).filter(([m, name]) => m !== method && saysSomething(options[name])).map(([, name]) => 'options.' + name)
  return [
    ...beside(rule, ofRule, ''), ...beside(options, ofOptions, 'options.'), ...others,
    ...['newValueOptions', 'anomalyDetectionOptions'].filter((n) => saysSomething((options[n] as Record<string, unknown> | undefined)?.[timeout])).map((n) => `options.${n}.${timeout}`),
    ...(rule.queries ?? []).flatMap((q, i) => beside(q, ofQuery, `queries[${i}].`)),
    ...(rule.cases ?? []).flatMap((c, i) => beside(c, ofCase, `cases[${i}].`)),
    ...((rule['thirdPartyCases'] as object[] | undefined) ?? []).flatMap((c, i) => beside(c, ofCase, `thirdPartyCases[${i}].`)),
  ]
}

const saysSomething = (v: unknown): boolean => v !== undefined && v !== null && v !== '' && !(Array.isArray(v) && v.length === 0)
