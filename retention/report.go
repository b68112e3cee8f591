package retention

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Report is what was dropped so far, and how full the disk is.
type Report struct {
	// Used is what the quota covers, in bytes; Quota 0: none is set. OverQuota:
	// what is left may not be dropped.
	Used      int64 `json:"-"`
	Quota     int64 `json:"-"`
	OverQuota bool  `json:"-"`
	// OldestDay is the oldest day of arrival that events are kept of (20060102).
	OldestDay string `json:"-"`
	// Totals are by table; Recent are the last drops, newest first.
	Totals map[string]Total `json:"totals"`
	Recent []Drop           `json:"recent"`
}

// Total is what was ever dropped of a table.
type Total struct {
	Rows        int64     `json:"rows"`
	Bytes       int64     `json:"bytes"`
	Unevaluated int64     `json:"unevaluated,omitempty"`
	Last        time.Time `json:"last"`
}

// Drop is something that was let go.
type Drop struct {
	Table string `json:"table"`
	What  string `json:"what"` // the partition, or a description
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Unevaluated of the rows were events that not every rule had seen.
	Unevaluated int64     `json:"unevaluated,omitempty"`
	Reason      string    `json:"reason"` // age or quota
	At          time.Time `json:"at"`
}

// maxRecent is how many drops are remembered one by one.
const maxRecent = 100

// Report is the present one. What is used is what the database took at the last
// round, and what lies beside it now.
func (k *Keeper) Report() Report {
	beside := k.beside()
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.report
	r.Used, r.Quota = k.stored+beside, k.policy().DiskQuota
	r.Recent = slices.Clone(r.Recent)
	r.Totals = map[string]Total{}
	for table, t := range k.report.Totals {
		r.Totals[table] = t
	}
	return r
}

// say tells of a drop, and remembers it.
func (k *Keeper) say(d Drop) {
	k.deps.Log.Warn("dropped by "+d.Reason, "table", d.Table, "what", d.What, "rows", d.Rows, "bytes", d.Bytes)
	if d.Unevaluated > 0 {
		k.deps.Log.Error("some of the dropped events had not been seen by every rule", "events", d.Unevaluated)
	}
	k.metrics.rows.WithLabelValues(d.Table, d.Reason).Add(float64(d.Rows))
	k.metrics.bytes.WithLabelValues(d.Table, d.Reason).Add(float64(d.Bytes))
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.report.Totals[d.Table]
	k.report.Totals[d.Table] = Total{t.Rows + d.Rows, t.Bytes + d.Bytes, t.Unevaluated + d.Unevaluated, d.At}
	k.report.Recent = append([]Drop{d}, k.report.Recent[:min(len(k.report.Recent), maxRecent-1)]...)
	if err := k.save(); err != nil {
		k.deps.Log.Error("what was dropped could not be written down", "file", k.deps.Record, "error", err)
	}
}

// load reads the record. One that can't be read is begun anew: it is a diary,
// and nothing depends on it.
func (k *Keeper) load() Report {
	r := Report{Totals: map[string]Total{}}
	text, err := os.ReadFile(k.deps.Record)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil && !os.IsNotExist(err) {
		k.deps.Log.Error("the record of what was dropped cannot be read; a new one is begun", "file", k.deps.Record, "error", err)
		r = Report{}
	}
	if r.Totals == nil {
		r.Totals = map[string]Total{}
	}
	return r
}

func (k *Keeper) save() error {
	text, err := json.MarshalIndent(k.report, "", "  ")
	if err != nil {
		return err
	}
	next := filepath.Join(filepath.Dir(k.deps.Record), "."+filepath.Base(k.deps.Record))
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, k.deps.Record)
}
