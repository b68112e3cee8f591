package schema

import (
	"cmp"
	"slices"
)

// Method is a detection method: how a rule finds what it detects. In documents, no
// method means MethodThreshold (see RuleOptions.Method).
type Method string

// The methods of the API, and MethodContentAnomaly, which is our own. Those that
// compiler/method has are evaluated.
const (
	MethodThreshold         Method = "threshold"
	MethodNewValue          Method = "new_value"
	MethodAnomalyDetection  Method = "anomaly_detection"
	MethodImpossibleTravel  Method = "impossible_travel"
	MethodHardcoded         Method = "hardcoded"
	MethodThirdParty        Method = "third_party"
	MethodAnomalyThreshold  Method = "anomaly_threshold"
	MethodSequenceDetection Method = "sequence_detection"
	MethodContentAnomaly    Method = "content_anomaly"
)

// Methods are all methods.
var Methods = []Method{
	MethodThreshold, MethodNewValue, MethodAnomalyDetection, MethodImpossibleTravel, MethodHardcoded,
	MethodThirdParty, MethodAnomalyThreshold, MethodSequenceDetection, MethodContentAnomaly,
}

// Known reports whether there is such a method.
func (m Method) Known() bool { return slices.Contains(Methods, m) }

// Method is the rule's detection method, MethodThreshold where it names none.
func (o *RuleOptions) Method() Method { return cmp.Or(o.DetectionMethod, MethodThreshold) }
