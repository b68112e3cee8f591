// What the durations and numbers of a rule may be, as schema/rule_limits.go and
// compiler/rulecheck/values.go have them: a scene asks the engine about each of them.

/** Evaluation window, keep alive and longest duration, in seconds. */
export const windows = [0, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400] as const
export const buckets = [300, 600, 900, 1800, 3600, 10800] as const
/** In hours. */
export const anomalyLearning = [1, 6, 12, 24, 48, 168, 336] as const

interface Limits {
  least: number
  most?: number
  usual?: number
}

/** Whole numbers, by place. */
export const limits = {
  'options.newValueOptions.forgetAfter': { least: 1, most: 30, usual: 28 },
  'options.newValueOptions.learningDuration': { least: 0, most: 30, usual: 0 },
  'options.newValueOptions.learningThreshold': { least: 0, most: 100_000, usual: 0 },
  'options.anomalyDetectionOptions.detectionTolerance': { least: 1, most: 5, usual: 1 },
  'options.anomalyDetectionOptions.learningPeriodBaseline': { least: 0, most: 2 ** 31 },
  'options.contentAnomalyOptions.similarityPercentage': { least: 35, most: 100, usual: 70 },
  'options.contentAnomalyOptions.similarItems': { least: 1, most: 20, usual: 1 },
  'options.contentAnomalyOptions.learningDuration': { least: 1, most: 10, usual: 1 },
  'options.contentAnomalyOptions.forgetAfter': { least: 1, most: 10, usual: 7 },
  'options.impossibleTravelOptions.baselineUserLocationsDuration': { least: 1, most: 30, usual: 1 },
  'options.silenceDelay': { least: 1, most: 7 * 86_400 },
} as const satisfies Record<string, Limits>

export type Limited = keyof typeof limits
export const mostQueries = 50
export const mostCases = 10
export const mostSteps = 10
