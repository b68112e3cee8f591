package ingest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// checked is a world that can be asked what it lacks.
type checked struct {
	*world
	reads   chan struct{}
	missing []Span
	deleted []Span
}

func (c *checked) Verify(context.Context) ([]BrokenPart, error) {
	c.reads <- struct{}{}
	return nil, nil
}

func (c *checked) Missing(context.Context, uint64) ([]Span, error) { return c.missing, nil }

func (c *checked) Deleted(context.Context, Span) ([]Span, error) { return c.deleted, nil }

func (c *checked) Firsts(context.Context) (map[string]uint64, error) {
	return map[string]uint64{"today": 1}, nil
}

// TestEverythingIsReadAgainAfterADayOrACrash counts how often everything is read: not
// at every start of an engine that was stopped.
func TestEverythingIsReadAgainAfterADayOrACrash(t *testing.T) {
	now := testNow
	dir := t.TempDir()
	sink := &checked{world: newWorld(), reads: make(chan struct{}, 1)}
	start := func() *harness {
		return run(t, dir, sink, func(d *Deps) { d.Now = func() time.Time { return now } })
	}
	mark := filepath.Join(dir, verifiedFile)
	in := start()
	<-sink.reads
	eventually(t, "a look at the numbers", func() bool { _, err := os.Stat(mark); return err == nil })
	in.stop()

	in = start()
	in.stop() // it has compared, and not read
	select {
	case <-sink.reads:
		t.Error("everything was read again after a stop")
	default:
	}

	now = now.Add(verifyEvery)
	in = start()
	<-sink.reads
	in.stop()

	// A process that was killed had no time to say that it ended well.
	text, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	in = start()
	eventually(t, "a look at the numbers", func() bool { now, _ := os.ReadFile(mark); return string(now) != string(text) })
	killed, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	in.stop()
	if err := os.WriteFile(mark, killed, 0o600); err != nil {
		t.Fatal(err)
	}
	in = start()
	<-sink.reads
	in.stop()
}

// TestWhatWasMissingBeforeAnybodyLookedIsNoLoss, nor is what somebody had deleted; what else
// is missing afterwards is.
func TestWhatWasMissingBeforeAnybodyLookedIsNoLoss(t *testing.T) {
	sink := &checked{world: newWorld(), reads: make(chan struct{}, 2), missing: []Span{{3, 5}}}
	dir := t.TempDir()
	in := run(t, dir, sink)
	<-sink.reads
	in.stop()
	if n := in.Lost(); n != 0 {
		t.Errorf("%d events are said to be lost", n)
	}
	sink.missing, sink.deleted = []Span{{3, 9}, {12, 15}}, []Span{{12, 12}, {14, 20}}
	in = run(t, dir, sink)
	eventually(t, "a look at the numbers", func() bool { return in.Lost() > 0 })
	in.stop()
	if n := in.Lost(); n != 5 {
		t.Errorf("%d events are said to be lost, want 5", n)
	}
	if gaps := in.Gaps(); len(gaps) != 2 || gaps[0].First != 6 || gaps[0].Last != 9 || gaps[1].First != 13 || gaps[1].Last != 13 {
		t.Errorf("%+v", gaps)
	}
}

func TestWithoutCutsRangesOut(t *testing.T) {
	for _, c := range []struct {
		cut  Span
		want []Span
	}{
		{Span{1, 2}, []Span{{3, 5}, {8, 9}}}, {Span{3, 3}, []Span{{4, 5}, {8, 9}}}, {Span{4, 8}, []Span{{3, 3}, {9, 9}}},
		{Span{4, 4}, []Span{{3, 3}, {5, 5}, {8, 9}}}, {Span{1, 20}, nil},
	} {
		got := without([]Span{{3, 5}, {8, 9}}, c.cut)
		if len(got) != len(c.want) {
			t.Errorf("%v: %v", c.cut, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: %v", c.cut, got)
			}
		}
	}
}
