package service

import (
	"context"
	"errors"
	"testing"
	"time"

	pb "nightjar/api/v1"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// stored are events of which a query finds so many.
type stored struct {
	found   uint64
	settled int
	deleted bool
}

func (s *stored) Settle(context.Context) error { s.settled++; return nil }

func (s *stored) Count(context.Context, *search.Query, schema.Millis, schema.Millis) (uint64, error) {
	return s.found, nil
}

func (s *stored) CountSignals(context.Context, *search.Query, schema.Millis, schema.Millis) (uint64, error) {
	return 3, nil
}

func (s *stored) Delete(context.Context, *search.Query, schema.Millis, schema.Millis) (uint64, error) {
	s.deleted = true
	return s.found, nil
}

const jane = "@usr.email:jane@example.org"

func TestOnlyWhatAPreviewShowedIsDeleted(t *testing.T) {
	for name, x := range map[string]struct {
		after   func(s *stored, now *time.Time)
		confirm func(string) string
		query   string
		deleted bool
	}{
		"as it was shown":         {deleted: true},
		"without a preview":       {confirm: func(string) string { return "" }},
		"with another's word":     {confirm: func(string) string { return newDeletions(nil, time.Now).sign(confirmed{Query: jane, Events: 7}) }},
		"with a word that is cut": {confirm: func(c string) string { return c[:len(c)-4] }},
		"another query":           {query: "@usr.email:john@example.org"},
		"when there are more":     {after: func(s *stored, _ *time.Time) { s.found++ }},
		"eleven minutes later":    {after: func(_ *stored, now *time.Time) { *now = now.Add(11 * time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			now, events := time.UnixMilli(1_800_000_000_000), &stored{found: 7}
			s := newDeletions(events, func() time.Time { return now })
			preview, err := s.PreviewDeletion(t.Context(), &pb.DeletionRequest{Query: jane, From: "-7d"})
			if err != nil || preview.GetEvents() != 7 || preview.GetSignals() != 3 || events.settled != 1 {
				t.Fatalf("%v, %v", preview, err)
			}
			in := &pb.DeletionRequest{Query: jane, Confirm: preview.GetConfirm()}
			if x.after != nil {
				x.after(events, &now)
			}
			if x.confirm != nil {
				in.Confirm = x.confirm(in.GetConfirm())
			}
			if x.query != "" {
				in.Query = x.query
			}
			out, err := s.DeleteEvents(t.Context(), in)
			if (err == nil) != x.deleted || events.deleted != x.deleted || x.deleted && out.GetEvents() != 7 {
				t.Errorf("%v, %v", out, err)
			}
			if err != nil && !errors.As(err, new(*schema.InvalidError)) {
				t.Errorf("not the caller's: %v", err)
			}
		})
	}
}

func TestEverythingIsNotDeletedByMistake(t *testing.T) {
	s := newDeletions(&stored{}, time.Now)
	for _, in := range []*pb.DeletionRequest{{}, {Query: " * "}, {Query: "@a:("}, {Query: jane, From: "now", To: "-1h"}, {Query: jane, From: "soon"}} {
		if _, err := s.PreviewDeletion(t.Context(), in); !errors.As(err, new(*schema.InvalidError)) {
			t.Errorf("%v: %v", in, err)
		}
	}
}
