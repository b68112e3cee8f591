package schema

// What the durations and numbers of a rule's options may be. The units are those of
// the API's documents.

// EvaluationWindows are what an evaluation window, keep alive and the longest duration
// of a signal can be, in seconds. 0 judges every event by itself.
var EvaluationWindows = []int64{0, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400}

// DefaultMaxSignalDuration is how long a signal lasts at most where its rule says
// nothing, in seconds.
const DefaultMaxSignalDuration = 86400

// AnomalyBuckets are what the buckets of anomaly detection can be, in seconds, and
// AnomalyLearning how much history a group needs first, in hours.
var (
	AnomalyBuckets  = []int64{300, 600, 900, 1800, 3600, 10800}
	AnomalyLearning = []int64{1, 6, 12, 24, 48, 168, 336}
)

// The defaults of both, in the same units.
const (
	DefaultAnomalyBucket   = 300
	DefaultAnomalyLearning = 24
)

// Limits are the least and the greatest value of an option, both allowed, and what it
// is where a document says nothing.
type Limits struct{ Least, Most, Default int64 }

// The limits of options, by name of the option.
var (
	NewValueForgetDays     = Limits{Least: 1, Most: 365, Default: 28}
	NewValueLearningDays   = Limits{Least: 0, Most: 365, Default: 0}
	NewValueLearningEvents = Limits{Least: 0, Most: 100_000, Default: 0} // 0 is as 1
	TravelBaselineDays     = Limits{Least: 1, Most: 365, Default: 1}
	AnomalyTolerance       = Limits{Least: 1, Most: 5, Default: 1}
	// All of what a rule about contents remembers is looked through for each event.
	ContentForgetDays   = Limits{Least: 1, Most: 10, Default: 7}
	ContentLearningDays = Limits{Least: 1, Most: 10, Default: 1}
	SilenceDelaySeconds = Limits{Least: 1, Most: 7 * 86400} // the engine's own delay by default
)
