package schema

import (
	"cmp"
	"slices"
)

// RuleType says what a rule is about. In documents, no type means
// RuleLogDetection.
type RuleType string

// The types of the API. Rules of the last two are kept and not evaluated.
const (
	RuleLogDetection        RuleType = "log_detection"
	RuleWorkloadSecurity    RuleType = "workload_security"
	RuleSignalCorrelation   RuleType = "signal_correlation"
	RuleApplicationSecurity RuleType = "application_security"
	RuleAPISecurity         RuleType = "api_security"
	RuleWorkloadActivity    RuleType = "workload_activity"
	RuleCloudConfiguration  RuleType = "cloud_configuration"
	RuleInfrastructure      RuleType = "infrastructure_configuration"
)

// RuleTypes are all types.
var RuleTypes = []RuleType{
	RuleLogDetection, RuleWorkloadSecurity, RuleSignalCorrelation, RuleApplicationSecurity, RuleAPISecurity, RuleWorkloadActivity,
	RuleCloudConfiguration, RuleInfrastructure,
}

// Known reports whether there is such a type.
func (t RuleType) Known() bool { return slices.Contains(RuleTypes, t) }

// OrDefault is the type that no type means.
func (t RuleType) OrDefault() RuleType { return cmp.Or(t, RuleLogDetection) }

// OfConfiguration reports whether rules of the type are about how things are
// configured: they are kept, and not evaluated.
func (t RuleType) OfConfiguration() bool {
	return t == RuleCloudConfiguration || t == RuleInfrastructure
}
