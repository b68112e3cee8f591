package service

import (
	"cmp"
	"context"
	"fmt"
	"time"

	pb "nightjar/api/v1"

	"nightjar/api/access/audit"
	"nightjar/schema"
)

// Audit is the audit log: what is in its table, and how it stands.
type Audit interface {
	List(ctx context.Context, q audit.Query) ([]audit.Row, error)
	Verify(ctx context.Context) (audit.Report, error)
	// Lost counts entries that could not be kept, Waiting those that are not in the table.
	Lost() uint64
	Waiting() uint64
}

// auditLog serves AuditService.
type auditLog struct {
	pb.UnimplementedAuditServiceServer
	log Audit
	now func() time.Time
}

// maxEntries is how many entries are shown at a time.
const maxEntries = 10_000

// ListAudit shows entries.
func (s *auditLog) ListAudit(ctx context.Context, in *pb.ListAuditRequest) (*pb.ListAuditResponse, error) {
	q := audit.Query{Caller: in.GetCaller(), Kind: in.GetKind(), Outcome: in.GetOutcome(), Text: in.GetText(), Object: in.GetObject(), Before: in.GetBefore(), Limit: int(cmp.Or(in.GetLimit(), 100))}
	if q.Limit < 1 || q.Limit > maxEntries {
		return nil, invalid("limit", fmt.Sprintf("want 1 to %d", maxEntries))
	}
	var err error
	if q.From, err = moment("from", in.GetFrom(), 0, s.now()); err != nil {
		return nil, err
	}
	if q.To, err = moment("to", in.GetTo(), schema.MaxMillis, s.now()); err != nil {
		return nil, err
	}
	rows, err := s.log.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pb.ListAuditResponse{}
	for _, r := range rows {
		out.Entries = append(out.Entries, &pb.AuditEntry{
			Seq: r.Seq, At: r.At.String(), Kind: r.Kind, Action: r.Action, Outcome: string(r.Outcome), CallerId: r.CallerID, Caller: r.Caller, Role: r.Role,
			Address: r.Address, Request: r.Request, Object: r.Object, Detail: r.Detail, Count: r.Count, Previous: r.Previous, Hash: r.Hash,
		})
	}
	return out, nil
}

// VerifyAudit reads the whole log.
func (s *auditLog) VerifyAudit(ctx context.Context, _ *pb.VerifyAuditRequest) (*pb.VerifyAuditResponse, error) {
	r, err := s.log.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.VerifyAuditResponse{Whole: len(r.Faults) == 0, Rows: r.Rows, First: r.First, Last: r.Last, Lost: s.log.Lost(), Waiting: s.log.Waiting()}
	for _, f := range r.Faults {
		out.Faults = append(out.Faults, &pb.AuditFault{Seq: f.Seq, Reason: f.Reason})
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, &pb.AuditGap{First: g.First, Last: g.Last})
	}
	return out, nil
}
