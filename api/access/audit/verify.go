package audit

import (
	"context"
	"fmt"
)

// Report is what Verify found.
type Report struct {
	// Rows is how many there are, First and Last the numbers of the ends.
	Rows        uint64 `json:"rows"`
	First, Last uint64
	// Faults are places where the chain is broken; none: it is whole.
	Faults []Fault
	// Gaps are numbers without a row. Where the chain is whole around one, these were
	// never written: entries lost with the disk, or numbers left out.
	Gaps []Gap
}

// Fault is a place where the chain is broken.
type Fault struct {
	Seq    uint64
	Reason string
}

// Gap is a stretch of numbers, both ends included.
type Gap struct{ First, Last uint64 }

// maxFaults is how many are told.
const maxFaults = 100

// Verify reads the whole table. It is whole where there are no faults.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	l.mu.Lock()
	known := l.head
	l.mu.Unlock()
	v := verifier{head: known}
	if err := l.deps.Store.Rows(ctx, 0, v.see); err != nil {
		return Report{}, fmt.Errorf("verify the audit log: %w", err)
	}
	v.end()
	return v.report, nil
}

type verifier struct {
	report   Report
	before   Row
	head     head
	headSeen bool
}

func (v *verifier) see(r Row) error {
	switch {
	case v.report.Rows == 0:
		v.report.First = r.Seq
		if r.Previous != "" {
			v.fault(r.Seq, "the rows before it are gone")
		}
	case r.Seq == v.before.Seq:
		v.fault(r.Seq, "there are two rows of this number")
	case r.Previous != v.before.Hash:
		v.fault(r.Seq, "it does not follow the row before it: one was taken out, put in, or changed")
	}
	if v.report.Rows > 0 && r.Seq > v.before.Seq+1 {
		v.report.Gaps = append(v.report.Gaps, Gap{v.before.Seq + 1, r.Seq - 1})
	}
	if r.Hash != r.hash() {
		v.fault(r.Seq, "it was changed: its hash is not that of what it says")
	}
	if r.Seq == v.head.Seq {
		v.headSeen = true
		if r.Hash != v.head.Hash {
			v.fault(r.Seq, "its hash is not the one that the data folder remembers: the chain was made anew")
		}
	}
	v.before = r
	v.report.Rows++
	v.report.Last = r.Seq
	return nil
}

func (v *verifier) end() {
	if v.head.Seq > 0 && !v.headSeen {
		v.fault(v.head.Seq, "the data folder remembers this row, and the table has it no more: its end was cut off")
	}
}

func (v *verifier) fault(seq uint64, reason string) {
	if len(v.report.Faults) < maxFaults {
		v.report.Faults = append(v.report.Faults, Fault{seq, reason})
	}
}
