package ruledoc

import (
	"encoding/json"

	"nightjar/schema"
)

// Complete gives a rule what the reference server gives it, before it is
// validated and stored, so that a rule reads back as it is kept. It never
// changes what the author said, with one exception that the reference makes too:
// the evaluation window of anomaly detection.
func Complete(r *schema.Rule) {
	r.Type, r.Options.DetectionMethod = r.Type.OrDefault(), r.Options.Method()
	if r.Type == schema.RuleCloudConfiguration {
		completeCompliance(r)
	}
	completeOptions(&r.Options)
	if t := r.Options.ThirdParty; r.Options.DetectionMethod == schema.MethodThirdParty && t != nil {
		completeThirdParty(r)
	}
	setEmpty(&r.Tags)
	for i := range r.Queries {
		completeQuery(&r.Queries[i], r.Type)
	}
	for i := range r.Cases {
		setEmpty(&r.Cases[i].Notifications)
	}
	if r.Queries == nil {
		r.Queries = []schema.RuleQuery{}
	}
	if r.Cases == nil {
		r.Cases = []schema.RuleCase{}
	}
	if r.Filters == nil {
		r.Filters = []schema.RuleFilter{}
	}
}

// sources are the data source of a query that names none, by type of rule.
// Queries of the other types have none.
var sources = map[schema.RuleType]string{
	schema.RuleLogDetection:        "logs",
	schema.RuleWorkloadSecurity:    "security_runtime",
	schema.RuleWorkloadActivity:    "security_runtime",
	schema.RuleApplicationSecurity: "app_sec_spans",
	schema.RuleAPISecurity:         "app_sec_spans",
}

func completeQuery(q *schema.RuleQuery, ruleType schema.RuleType) {
	setEmpty(&q.GroupByFields)
	setEmpty(&q.DistinctFields)
	if q.Aggregation == "" {
		q.Aggregation = "count"
		if ruleType == schema.RuleSignalCorrelation {
			q.Aggregation = "event_count"
		}
	}
	if q.Metric != "" && len(q.Metrics) == 0 {
		q.Metrics = []string{q.Metric}
	}
	if q.DataSource == "" {
		q.DataSource = sources[ruleType]
	}
	switch {
	case q.Index == "" && len(q.Indexes) > 0:
		q.Index = q.Indexes[0]
	case q.Index != "" && len(q.Indexes) == 0:
		q.Indexes = []string{q.Index}
	}
}

func completeOptions(o *schema.RuleOptions) {
	switch o.DetectionMethod {
	case schema.MethodAnomalyDetection:
		o.EvaluationWindow = new(int64(1800))
	case schema.MethodThirdParty:
		setDefault(&o.EvaluationWindow, 0)
	}
	if a := o.Anomaly; a != nil {
		setDefault(&a.InstantaneousBaseline, false)
		setDefault(&a.InstantaneousTimeout, 30)
	}
	if n := o.NewValue; n != nil {
		setDefault(&n.LearningDuration, 0)
		setDefault(&n.LearningThreshold, 0)
		if n.LearningMethod == "" {
			n.LearningMethod = "duration"
		}
		setDefault(&n.InstantaneousBaseline, false)
		setDefault(&n.InstantaneousTimeout, 30)
	}
	if t := o.ImpossibleTravel; t != nil {
		setDefault(&t.BaselineUserLocations, false)
		setDefault(&t.DetectIPTransition, false)
	}
}

// completeThirdParty pairs queries[i] with cases[i], as readers expect them;
// what the rule detects stays in thirdPartyCases.
func completeThirdParty(r *schema.Rule) {
	t := r.Options.ThirdParty
	setEmpty(&t.DefaultNotifications)
	for i := range t.RootQueries {
		setEmpty(&t.RootQueries[i].GroupByFields)
	}
	if len(r.ThirdPartyCases) == 0 {
		return
	}
	r.Queries, r.Cases = nil, nil
	for i := range r.ThirdPartyCases {
		c := &r.ThirdPartyCases[i]
		setEmpty(&c.Notifications)
		r.Queries = append(r.Queries, schema.RuleQuery{Query: c.Query, Aggregation: "none"})
		r.Cases = append(r.Cases, schema.RuleCase{
			Name: c.Name, Status: c.Status, Notifications: c.Notifications, CustomStatus: c.CustomStatus,
		})
	}
}

// completeCompliance fills in what a cloud_configuration rule does not say: it
// has one query, over the resources of its type.
func completeCompliance(r *schema.Rule) {
	var compliance struct {
		ResourceType string `json:"resourceType"`
	}
	_ = json.Unmarshal(r.Options.Compliance, &compliance) // absent or an object
	r.HasExtendedName = true
	r.Queries = []schema.RuleQuery{{
		Name: "a", Query: "resource_type:" + compliance.ResourceType, Aggregation: "count",
		GroupByFields: []string{"resource_type", "resource_id"},
	}}
	setDefault(&r.Options.EvaluationWindow, 7200)
	setDefault(&r.Options.KeepAlive, 21600)
	setDefault(&r.Options.MaxSignalDuration, schema.DefaultMaxSignalDuration)
	for i := range r.Cases {
		if r.Cases[i].Condition == "" {
			r.Cases[i].Condition = "a > 0"
		}
	}
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func setEmpty(list *[]string) {
	if *list == nil {
		*list = []string{}
	}
}
