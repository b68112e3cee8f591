package schema

import "slices"

// Severity is how much what a rule finds matters.
type Severity string

// The severities, ascending.
const (
	SeverityInfo     Severity = "info"
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// Severities are all severities, ascending.
var Severities = []Severity{SeverityInfo, SeverityLow, SeverityMedium, SeverityHigh, SeverityCritical}

// Known reports whether there is such a severity.
func (s Severity) Known() bool { return slices.Contains(Severities, s) }
