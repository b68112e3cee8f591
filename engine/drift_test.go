package engine

import (
	"context"
	"errors"
	"testing"

	"nightjar/schema"
)

// stuttering has an event in each stretch of two sources, and fails at one question.
type stuttering struct{ asked, failsAt int }

func (s *stuttering) answer() error {
	if s.asked++; s.asked == s.failsAt {
		return errors.New("i/o timeout")
	}
	return nil
}

func (s *stuttering) StoredSources(context.Context) ([]string, error) {
	return []string{"a", "b"}, s.answer()
}

func (s *stuttering) Newest(_ context.Context, source string, _, to schema.Millis, _ int) ([]schema.Event, error) {
	return []schema.Event{{Source: source, Seen: to}}, s.answer()
}

// TestWhatSourcesHadBeforeIsAskedForUntilItIsKnown fails at each of the questions in turn:
// asked once more, it has what is of each source and stretch, and nothing twice.
func TestWhatSourcesHadBeforeIsAskedForUntilItIsKnown(t *testing.T) {
	questions := 1 + 2*len(pastMoments)
	for failsAt := 1; failsAt <= questions; failsAt++ {
		has := map[string]int{}
		p := past{logs: &stuttering{failsAt: failsAt}, of: map[string]bool{}, add: func(events []schema.Event) {
			for _, e := range events {
				has[e.Source]++
			}
		}}
		if err := p.remember(t.Context()); err == nil {
			t.Errorf("question %d failed, and nobody was told", failsAt)
		}
		if err := p.remember(t.Context()); err != nil {
			t.Fatal(err)
		}
		if has["a"] != len(pastMoments) || has["b"] != len(pastMoments) {
			t.Errorf("question %d failed: has %v", failsAt, has)
		}
	}
}
