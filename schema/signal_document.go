package schema

import (
	"encoding/json"
	"fmt"
)

// SignalDocument is what a signal says of itself: the attributes that the API shows, that
// a search of signals sees (@workflow.rule.id), and that stand beside the attributes of
// its events. Fields are in the order of their names, which is that of the JSON.
type SignalDocument struct {
	GroupByPaths       []string        `json:"groupByPaths"`
	Nightjar           SignalDetails   `json:"nightjar"`
	Queries            []SignalQuery   `json:"queries"`
	Samples            json.RawMessage `json:"samples"` // Signal.Samples; see ReadSamples
	Status             string          `json:"status"`  // its severity
	Title              string          `json:"title"`
	TriggeringRuleCase SignalCase      `json:"triggeringRuleCase"`
	Workflow           SignalWorkflow  `json:"workflow"`
}

// SignalDetails are nightjar's own part.
type SignalDetails struct {
	Anomaly            *SignalAnomaly   `json:"anomaly,omitempty"`
	Case               int              `json:"case"`
	CaseName           string           `json:"case_name"`
	Events             uint64           `json:"events"`
	FirstSeen          Millis           `json:"first_seen"`
	Group              []string         `json:"group"`
	GroupBy            []string         `json:"group_by"` // the fields of Group's values
	HostTruncated      bool             `json:"host_truncated,omitempty"`
	HostnameTruncated  bool             `json:"hostname_truncated,omitempty"`
	ID                 string           `json:"id"`
	LastSeen           Millis           `json:"last_seen"`
	NewValues          []any            `json:"new_values,omitempty"` // texts, or lists of texts
	NewValuesTruncated *bool            `json:"new_values_truncated,omitempty"`
	Notifications      []string         `json:"notifications,omitempty"` // handles
	Reason             string           `json:"reason"`
	Responses          []SignalResponse `json:"responses,omitempty"` // what people had done about it
	RuleID             string           `json:"rule_id"`
	SamplesCut         int              `json:"samples_cut,omitempty"` // how many are not whole
	ServiceTruncated   bool             `json:"service_truncated,omitempty"`
	Severity           string           `json:"severity"`
	Silence            *SignalSilence   `json:"silence,omitempty"`
	SourceTruncated    bool             `json:"source_truncated,omitempty"`
	State              string           `json:"state"`
	SuppressionID      string           `json:"suppression_id,omitempty"`
	Window             int64            `json:"window"` // the rule's evaluation window, in ms
}

// SignalAnomaly says how the rule goes on learning.
type SignalAnomaly struct {
	LearnedSlowlyUntil Millis `json:"learned_slowly_until"`
	Note               string `json:"note"`
	Side               string `json:"side"` // high or low
}

// SignalSilence says what the signal is about where something did not happen.
type SignalSilence struct {
	For   Millis   `json:"for"` // how long it lasted
	Group []string `json:"group"`
	Kind  string   `json:"kind"` // silence or absence
	Note  string   `json:"note,omitempty"`
	Since Millis   `json:"since"`
	Until Millis   `json:"until,omitempty"` // 0: it lasts
}

// SignalQuery is a query of the rule.
type SignalQuery struct {
	Aggregation    string   `json:"aggregation"`
	DistinctFields []string `json:"distinctFields"`
	GroupByPaths   []string `json:"groupByPaths"`
	Name           string   `json:"name"`
	Query          string   `json:"query"`
}

// SignalCase is the case that the signal is of.
type SignalCase struct {
	Condition string `json:"condition"`
	Name      string `json:"name"`
	Status    string `json:"status"`
}

// SignalWorkflow is the rule, and what people made of the signal.
type SignalWorkflow struct {
	EventsMatched uint64       `json:"events_matched"`
	FirstSeen     string       `json:"first_seen"`
	LastSeen      string       `json:"last_seen"`
	Rule          SignalRule   `json:"rule"`
	Triage        SignalTriage `json:"triage"`
}

// SignalRule is the rule that made the signal.
type SignalRule struct {
	DetectionMethod Method `json:"detectionMethod"`
	ID              string `json:"id"`
	IsDefaultRule   bool   `json:"isDefaultRule"`
	Name            string `json:"name"`
	Type            string `json:"type"` // as it is shown: Log Detection
	Version         int64  `json:"version"`
}

// SignalTriage is how the signal stands.
type SignalTriage struct {
	ArchiveComment       string         `json:"archiveComment,omitempty"`
	ArchiveReason        *string        `json:"archiveReason,omitempty"` // nil: it is not archived
	Assignee             SignalAssignee `json:"assignee"`
	Creator              SignalUser     `json:"creator"`
	IncidentIDs          []int64        `json:"incidentIds"`
	State                string         `json:"state"`
	StateUpdateTimestamp string         `json:"stateUpdateTimestamp,omitempty"`
	Updater              SignalUser     `json:"updater"`
	Version              uint64         `json:"version"`
}

// SignalAssignee is whom the signal is assigned to; nobody has no handle and no UUID.
type SignalAssignee struct {
	Handle *string `json:"handle,omitempty"`
	ID     int64   `json:"id"`
	Name   string  `json:"name"`
	UUID   *string `json:"uuid,omitempty"`
}

// Somebody reports whether the signal is assigned.
func (a SignalAssignee) Somebody() bool { return a.UUID != nil || a.Handle != nil }

// Shown is the name, or the handle or the UUID of who has none.
func (a SignalAssignee) Shown() string {
	name := a.Name
	for _, other := range []*string{a.Handle, a.UUID} {
		if name == "" && other != nil {
			name = *other
		}
	}
	return name
}

// SignalUser is who did something.
type SignalUser struct {
	Handle string `json:"handle"`
	Name   string `json:"name"`
}

// SignalTravel is the attribute `impossible_travel` of signals of such rules. It is no
// field of SignalDocument, since events may have an attribute of that name.
type SignalTravel struct {
	DistanceKm          float64         `json:"distance_km"`
	TriggeringLocations TravelLocations `json:"triggering_locations"`
}

// TravelLocations are where a traveller was first and then.
type TravelLocations struct {
	First  TravelLocation `json:"first_location"`
	Second TravelLocation `json:"second_location"`
}

// TravelLocation is a place on earth, in degrees.
type TravelLocation struct {
	City      string  `json:"city"`
	Country   string  `json:"country"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Into writes the document over attributes of events.
func (d *SignalDocument) Into(attributes map[string]any) {
	for name, field := range d.fields() {
		attributes[name] = field
	}
}

// UnmarshalJSON reads the document among attributes of events. Other attributes may have
// names that differ from the document's in case only, which encoding/json would confuse.
func (d *SignalDocument) UnmarshalJSON(text []byte) error {
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(text, &attributes); err != nil {
		return err
	}
	for name, field := range d.fields() {
		if value, ok := attributes[name]; ok {
			if err := json.Unmarshal(value, field); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func (d *SignalDocument) fields() map[string]any {
	return map[string]any{
		"groupByPaths": &d.GroupByPaths, "nightjar": &d.Nightjar, "queries": &d.Queries, "samples": &d.Samples,
		"status": &d.Status, "title": &d.Title, "triggeringRuleCase": &d.TriggeringRuleCase, "workflow": &d.Workflow,
	}
}
