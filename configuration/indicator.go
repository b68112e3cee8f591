package configuration

import (
	"github.com/google/uuid"

	"nightjar/objects"
)

// IndicatorTriage is what analysts made of an indicator of compromise.
type IndicatorTriage struct {
	Indicator string `json:"indicator"`
	State     string `json:"triage_state"` // not_reviewed or reviewed
	By        string `json:"triaged_by"`   // UUID of who said so
}

// IndicatorTriages are a kind; its versions are the history of each indicator.
var IndicatorTriages = objects.Kind[IndicatorTriage]{
	Name: "indicator triage", NewID: uuid.NewString,
	Check: func(t *IndicatorTriage) error {
		var bad faults
		bad.required("indicator", t.Indicator)
		bad.oneOf("triage_state", t.State, "not_reviewed", "reviewed")
		return bad.Err()
	},
}
