package schema

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Rule is a detection rule: the document of Datadog's security-monitoring API,
// as files, requests and the store hold it. Durations are in seconds, except
// where a field says otherwise.
type Rule struct {
	ID              string            `json:"id,omitempty"`
	Version         int64             `json:"version,omitempty"`
	Name            string            `json:"name"`
	Type            RuleType          `json:"type,omitempty"`
	IsEnabled       bool              `json:"isEnabled"`
	Message         string            `json:"message"`
	Tags            []string          `json:"tags"`
	HasExtendedName bool              `json:"hasExtendedTitle"`
	Queries         []RuleQuery       `json:"queries"`
	Cases           []RuleCase        `json:"cases"`
	ThirdPartyCases []ThirdPartyCase  `json:"thirdPartyCases,omitempty"`
	Filters         []RuleFilter      `json:"filters"`
	Options         RuleOptions       `json:"options"`
	GroupSignalsBy  []string          `json:"groupSignalsBy,omitempty"`
	ReferenceTables []ReferenceTable  `json:"referenceTables,omitempty"`
	Scheduling      *Scheduling       `json:"schedulingOptions,omitempty"`
	Calculated      []CalculatedField `json:"calculatedFields,omitempty"`
	CustomName      string            `json:"customName,omitempty"`
	CustomMessage   string            `json:"customMessage,omitempty"`
	// Of cloud_configuration rules, which are kept and not evaluated.
	ComplianceSignal json.RawMessage `json:"complianceSignalOptions,omitempty"`

	CreatedAt Millis `json:"createdAt,omitempty"`
	UpdatedAt Millis `json:"updatedAt,omitempty"`
	IsDefault bool   `json:"isDefault"`
	IsDeleted bool   `json:"isDeleted"`
}

// KnownKeys are those that the reference's servers add to a rule, and that mean
// nothing in a document.
func (*Rule) KnownKeys() []string {
	return []string{
		"blocking", "compatibleVersion", "creationAuthorId", "creator", "defaultRuleId", "defaultTags", "dependencies", "deprecationDate",
		"isBeta", "isDeprecated", "isPartner", "metadata", "partnerIntegrationId", "partnerRuleId", "updateAuthorId", "updater", "warnings",
	}
}

// RuleQuery is one labelled query of a rule.
type RuleQuery struct {
	Name             string   `json:"name"`
	Query            string   `json:"query,omitempty"`
	Aggregation      string   `json:"aggregation"`
	GroupByFields    []string `json:"groupByFields"`
	DistinctFields   []string `json:"distinctFields"`
	Metric           string   `json:"metric,omitempty"`
	Metrics          []string `json:"metrics,omitempty"`
	DataSource       string   `json:"dataSource,omitempty"`
	OptionalGroupBys bool     `json:"hasOptionalGroupByFields"`
	CustomExtension  string   `json:"customQueryExtension,omitempty"`
	Index            string   `json:"index,omitempty"`
	Indexes          []string `json:"indexes,omitempty"`
	Language         string   `json:"queryLanguage,omitempty"`

	// Of signal_correlation rules.
	RuleID               string   `json:"ruleId,omitempty"`
	DefaultRuleID        string   `json:"defaultRuleId,omitempty"`
	CorrelatedByFields   []string `json:"correlatedByFields,omitempty"`
	CorrelatedQueryIndex *int     `json:"correlatedQueryIndex,omitempty"`
}

// RuleCase is a condition over the labels and what a match of it is worth.
type RuleCase struct {
	Name          string   `json:"name"`
	Status        Severity `json:"status"`
	Condition     string   `json:"condition,omitempty"`
	Notifications []string `json:"notifications"`
	CustomStatus  Severity `json:"customStatus,omitempty"`
	// Actions are Application Security's: kept, and not carried out.
	Actions json.RawMessage `json:"actions,omitempty"`
}

// Severity is what a signal of the case is worth: its own status, or the one that
// was put in its place.
func (c *RuleCase) Severity() Severity { return cmp.Or(c.CustomStatus, c.Status) }

// Severity is as RuleCase.Severity.
func (c *ThirdPartyCase) Severity() Severity { return cmp.Or(c.CustomStatus, c.Status) }

// ThirdPartyCase grades the alerts of a vendor.
type ThirdPartyCase struct {
	Name          string   `json:"name"`
	Status        Severity `json:"status"`
	Query         string   `json:"query"`
	Notifications []string `json:"notifications"`
	CustomStatus  Severity `json:"customStatus,omitempty"`
}

// RuleFilter keeps (action require) or removes (suppress) events before they
// are aggregated.
type RuleFilter struct {
	Action string `json:"action"`
	Query  string `json:"query"`
}

// RuleOptions say how a rule detects.
type RuleOptions struct {
	DetectionMethod   Method             `json:"detectionMethod,omitempty"`
	EvaluationWindow  *int64             `json:"evaluationWindow,omitempty"`
	KeepAlive         *int64             `json:"keepAlive,omitempty"`
	MaxSignalDuration *int64             `json:"maxSignalDuration,omitempty"`
	DecreaseByEnv     *bool              `json:"decreaseCriticalityBasedOnEnv,omitempty"`
	HardcodedType     string             `json:"hardcodedEvaluatorType,omitempty"`
	NewValue          *NewValueOptions   `json:"newValueOptions,omitempty"`
	Anomaly           *AnomalyOptions    `json:"anomalyDetectionOptions,omitempty"`
	ContentAnomaly    *ContentOptions    `json:"contentAnomalyOptions,omitempty"`
	ImpossibleTravel  *TravelOptions     `json:"impossibleTravelOptions,omitempty"`
	ThirdParty        *ThirdPartyOptions `json:"thirdPartyRuleOptions,omitempty"`
	Sequence          *SequenceOptions   `json:"sequenceDetectionOptions,omitempty"`
	Compliance        json.RawMessage    `json:"complianceRuleOptions,omitempty"`
	RelatedFields     []string           `json:"relatedSignalsFields,omitempty"`
	// SilenceDelay is how many seconds behind the clock the rule judges silence and
	// what did not follow, where its events always come late. Our own.
	SilenceDelay *int64 `json:"silenceDelay,omitempty"`
	// ExpectedGroups says where the groups stand that are silent when they are
	// never heard of at all. Our own.
	ExpectedGroups *ExpectedGroups `json:"expectedGroups,omitempty"`
	// CaseInsensitive: letter case counts in no query of the rule, neither in
	// values nor in the names of attributes. Our own.
	CaseInsensitive *bool `json:"caseInsensitive,omitempty"`
}

// ExpectedGroups names the column of a reference table whose values are groups
// of the rule, which has one group-by field.
type ExpectedGroups struct {
	Table  string `json:"tableName"`
	Column string `json:"columnName"`
}

// NewValueOptions are those of detectionMethod new_value. Days, except the
// timeout in minutes.
type NewValueOptions struct {
	ForgetAfter           *int64 `json:"forgetAfter,omitempty"`
	LearningDuration      *int64 `json:"learningDuration,omitempty"`
	LearningMethod        string `json:"learningMethod,omitempty"`
	LearningThreshold     *int64 `json:"learningThreshold,omitempty"`
	InstantaneousBaseline *bool  `json:"instantaneousBaseline,omitempty"`
	InstantaneousTimeout  *int64 `json:"instantaneousBaselineTimeoutMinutes,omitempty"`
}

// AnomalyOptions are those of detectionMethod anomaly_detection. The learning
// duration is in hours.
type AnomalyOptions struct {
	BucketDuration         *int64 `json:"bucketDuration,omitempty"`
	LearningDuration       *int64 `json:"learningDuration,omitempty"`
	DetectionTolerance     *int64 `json:"detectionTolerance,omitempty"`
	LearningPeriodBaseline *int64 `json:"learningPeriodBaseline,omitempty"`
	InstantaneousBaseline  *bool  `json:"instantaneousBaseline,omitempty"`
	InstantaneousTimeout   *int64 `json:"instantaneousBaselineTimeoutMinutes,omitempty"`
	// PeerBaseline, which is our own, lets the rule's other groups judge one that has
	// less history than the learning duration.
	PeerBaseline *bool `json:"peerBaseline,omitempty"`
}

// ContentOptions are those of detectionMethod content_anomaly, which is our own.
// Percent, and days.
type ContentOptions struct {
	Similarity       *int64 `json:"similarityPercentage,omitempty"`
	SimilarItems     *int64 `json:"similarItems,omitempty"`
	LearningDuration *int64 `json:"learningDuration,omitempty"`
	ForgetAfter      *int64 `json:"forgetAfter,omitempty"`
}

// TravelOptions are those of detectionMethod impossible_travel. Days.
type TravelOptions struct {
	BaselineUserLocations         *bool  `json:"baselineUserLocations,omitempty"`
	BaselineUserLocationsDuration *int64 `json:"baselineUserLocationsDuration,omitempty"`
	DetectIPTransition            *bool  `json:"detectIpTransition,omitempty"`
}

// ThirdPartyOptions are those of detectionMethod third_party.
type ThirdPartyOptions struct {
	DefaultStatus        Severity    `json:"defaultStatus,omitempty"`
	DefaultNotifications []string    `json:"defaultNotifications,omitempty"`
	RootQueries          []RootQuery `json:"rootQueries,omitempty"`
	SignalTitleTemplate  string      `json:"signalTitleTemplate,omitempty"`
}

// RootQuery selects and groups a vendor's alerts.
type RootQuery struct {
	Query         string   `json:"query"`
	GroupByFields []string `json:"groupByFields"`
}

// SequenceOptions are those of detectionMethod sequence_detection.
type SequenceOptions struct {
	Steps       []SequenceStep       `json:"steps"`
	Transitions []SequenceTransition `json:"stepTransitions"`
}

// SequenceStep is one step of a sequence.
type SequenceStep struct {
	Name             string `json:"name"`
	Condition        string `json:"condition"`
	EvaluationWindow *int64 `json:"evaluationWindow,omitempty"`
}

// SequenceTransition says which step follows which, and how soon.
type SequenceTransition struct {
	Parent           string `json:"parent"`
	Child            string `json:"child"`
	EvaluationWindow *int64 `json:"evaluationWindow,omitempty"`
}

// ReferenceTable joins a query with an uploaded table.
type ReferenceTable struct {
	TableName     string `json:"tableName"`
	ColumnName    string `json:"columnName"`
	LogFieldPath  string `json:"logFieldPath"`
	RuleQueryName string `json:"ruleQueryName"`
	CheckPresence bool   `json:"checkPresence"`
}

// Scheduling is when a scheduled rule runs.
type Scheduling struct {
	RRule    string `json:"rrule,omitempty"`
	Start    string `json:"start,omitempty"`
	Timezone string `json:"timezone,omitempty"`
}

// CalculatedField is a named expression of a scheduled rule.
type CalculatedField struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// DetectionKey names what the rule detects: equal for two versions of a rule
// when they find the same, whatever they call it. Signal keys begin with it.
func (r *Rule) DetectionKey() string {
	d := *r
	d.Version, d.Name, d.Message, d.Tags, d.HasExtendedName = 0, "", "", nil, false
	d.CustomName, d.CustomMessage, d.Options.RelatedFields, d.Options.SilenceDelay = "", "", nil, nil
	d.CreatedAt, d.UpdatedAt, d.IsDefault, d.IsDeleted, d.IsEnabled = 0, 0, false, false, false
	d.Cases = make([]RuleCase, len(r.Cases))
	for i, c := range r.Cases {
		d.Cases[i] = RuleCase{Condition: c.Condition}
	}
	d.ThirdPartyCases = make([]ThirdPartyCase, len(r.ThirdPartyCases))
	for i, c := range r.ThirdPartyCases {
		d.ThirdPartyCases[i] = ThirdPartyCase{Query: c.Query}
	}
	body, _ := json.Marshal(d) // plain structs: cannot fail
	sum := sha256.Sum256(body)
	return r.ID + "/" + hex.EncodeToString(sum[:8])
}
