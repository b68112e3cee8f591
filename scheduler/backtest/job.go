package backtest

import (
	"cmp"

	"nightjar/schema"
)

// Job is a backtest that is kept: what is to be run, and how far it is.
type Job struct {
	ID   string      `json:"id"`
	Rule schema.Rule `json:"rule"`
	// FromRule is the rule that Rule is a copy of; "" when it was sent.
	FromRule string `json:"from_rule,omitempty"`
	// OnlyCase, unless nil, is the case whose signals are kept.
	OnlyCase      *int          `json:"only_case,omitempty"`
	Index         string        `json:"index"`
	From          schema.Millis `json:"from"`
	To            schema.Millis `json:"to"`
	Notifications []string      `json:"notifications,omitempty"`
	// SignalOutput makes live signals of the results.
	SignalOutput bool          `json:"signal_output,omitempty"`
	Status       string        `json:"status"`
	Problem      string        `json:"problem,omitempty"` // why it failed
	Signals      int           `json:"signals"`
	CreatedAt    schema.Millis `json:"created_at"`
	ModifiedAt   schema.Millis `json:"modified_at"`
	// Progress is from 0 to 1.
	Progress float64 `json:"progress"`
}

// States of a job. A pending one waits for those before it.
const (
	JobPending   = "pending"
	JobRunning   = "running"
	JobCompleted = "completed"
	JobFailed    = "failed"
	JobCancelled = "cancelled"
)

// Ended reports whether nothing more will happen to the job.
func (j *Job) Ended() bool { return j.Status != JobPending && j.Status != JobRunning }

// RuleKey is the key that the job's signals are kept under.
func (j *Job) RuleKey() string { return JobRuleKey(j.ID) }

// JobRuleKey is the RuleKey of the job with this id.
func JobRuleKey(id string) string { return "job/" + id }

func jobLess(a, b *Job) bool {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID)) < 0
}

// JobBusyError says that a job is in no state for what was asked.
type JobBusyError struct{ ID, Status string }

// Error names the state.
func (b *JobBusyError) Error() string { return "job " + b.ID + " is " + b.Status }
