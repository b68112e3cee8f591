package detect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// letter is an event: which letters it has, at which second.
type letter struct {
	second schema.Millis
	is     string
}

// lettersMatches are what a plan of letters makes of events, which are sorted by time.
func lettersMatches(plan *compiler.BoundPlan, events []letter) (out []compiler.Match) {
	for i, e := range events {
		event := schema.Event{Seq: uint64(i + 1), At: e.second * 1000, Attributes: mustHave(schema.ParseAttributes(
			fmt.Sprintf(`{"is":["%s"],"usr":"u"}`, strings.Join(strings.Split(e.is, ""), `","`))))}
		out = append(out, plan.Matches(&event)...)
	}
	return out
}

func standingOf(plan *compiler.BoundPlan, events []letter, second schema.Millis) Standing {
	return Moment{Plan: plan, Group: []string{"u"}, At: second * 1000, Own: lettersMatches(plan, events)}.Standing()
}

// TestStepsSayWhenEachWasReachedAndWhatItCameTo has guesses that go on while the window
// still holds them: the step was reached with the first that was enough, not with what came
// later, and came to all of them.
func TestStepsSayWhenEachWasReachedAndWhatItCameTo(t *testing.T) {
	for _, c := range []struct {
		about, steps, events string
		at                   schema.Millis
		want                 string
	}{
		{"a window that goes on holding", "a > 2 then b > 0", "0:a 5:a 10:a 11:a 12:a 40:b", 40, "1: a 3 > 2, most 5 at 10; 2: b 1 > 0, most 1 at 40; complete"},
		{"a step of both letters", "(a > 1 && b > 0) then b > 1", "0:a 1:ab 9:b", 9, "1: a 2 > 1, most 2, b 1 > 0, most 2 at 1; 2: b 2 > 1, most 2 at 9; complete"},
		{"two at one time", "a > 0 then b > 0", "7:a 7:b", 7, "1: a 1 > 0, most 1 at 7; 2: b 1 > 0, most 1 at 7; complete"},
		{"steps of single events", "a > 0 -> b > 0 -> a > 0", "0:a 50:a 70:b 75:a", 75, "s0: a 1 > 0, most 1 at 50; s1: b 1 > 0, most 1 at 70; s2: a 1 > 0, most 1 at 75; complete"},
		{"too late: told as far as it came", "a > 0 -> b > 0", "0:a 61:b", 61, "s0: a 1 > 0, most 1 at 0; s1: b 1 > 0, most 1 not reached; no"},
		{"never", "a > 0 -> b > 0", "0:b", 0, "s0: a 0 > 0, most 0 not reached; s1: b 1 > 0, most 1 not reached; no"},
		{"what must not follow did not", "a > 1 then not b > 0", "0:a 3:a", 63, "1: a 2 > 1, most 2 at 3; complete"},
		{"what must not follow did", "a > 1 then not b > 0", "0:a 3:a 60:b", 63, "1: a 2 > 1, most 2 at 3; no"},
	} {
		t.Run(c.about, func(t *testing.T) {
			var events []letter
			for _, e := range strings.Fields(c.events) {
				var l letter
				if _, err := fmt.Sscanf(e, "%d:%s", &l.second, &l.is); err != nil {
					t.Fatal(err)
				}
				events = append(events, l)
			}
			s := standingOf(lettersPlan(t, c.steps), events, c.at)
			var got []string
			for _, step := range s.Steps {
				var compared []string
				for _, x := range step.Compared {
					compared = append(compared, fmt.Sprintf("%s %v %s %v, most %v", x.Name, x.Value, x.Op, x.Number, x.Most))
				}
				reached := "not reached"
				if step.Reached != nil {
					reached = fmt.Sprintf("at %d", *step.Reached/1000)
				}
				got = append(got, step.Name+": "+strings.Join(compared, ", ")+" "+reached)
			}
			got = append(got, map[bool]string{true: "complete", false: "no"}[s.Cases[0].Holds])
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			for _, step := range s.Steps {
				if strings.Contains(step.Condition, "?") || strings.Contains(step.Condition, "=") {
					t.Errorf("condition %q is not as it was written", step.Condition)
				}
			}
		})
	}
}

// TestTheWayOfASequenceIsOne has random events and, where a sequence is complete, checks
// the moments that are told of its steps against the events alone: in order, near enough,
// each of them one at which its step held, and no more at one time than there are events.
func TestTheWayOfASequenceIsOne(t *testing.T) {
	random, complete := rand.New(rand.NewPCG(24, 8)), 0
	for _, steps := range []string{"a > 1 then b > 1", "a > 0 then b > 1 then a > 1", "a > 0 -> b > 0", "a > 0 -> b > 0 -> a > 0 -> b > 0"} {
		plan := lettersPlan(t, steps)
		conditions := strings.FieldsFunc(strings.NewReplacer(" then ", "|", " -> ", "|").Replace(steps), func(r rune) bool { return r == '|' })
		for range 500 {
			var events []letter
			for second := schema.Millis(0); len(events) < 14; second += schema.Millis(random.IntN(25)) {
				events = append(events, letter{second, []string{"a", "b", "ab"}[random.IntN(3)]})
			}
			end := events[len(events)-1].second
			s := standingOf(plan, events, end)
			if !s.Cases[0].Holds {
				continue
			}
			complete++
			if problem := wayProblem(s.Steps, conditions, events, end); problem != "" {
				t.Fatalf("%s over %v up to %d: %s", steps, events, end, problem)
			}
		}
	}
	if complete < 300 {
		t.Errorf("only %d sequences were complete: the test shows little", complete)
	}
}

// wayProblem says what is wrong with the moments of steps; "" is nothing.
func wayProblem(steps []StepStanding, conditions []string, events []letter, end schema.Millis) string {
	standing := map[schema.Millis]int{}
	before := schema.Millis(-1)
	for i, st := range steps {
		if st.Reached == nil {
			return fmt.Sprintf("step %d is not reached", i)
		}
		at := *st.Reached / 1000
		standing[at]++
		var name string
		var number float64
		fmt.Sscanf(conditions[i], "%s > %f", &name, &number)
		from := at
		if st.Window > 0 {
			from = at - st.Window/1000 + 1
		}
		count := func(from, to schema.Millis) (n float64) {
			for _, e := range events {
				if e.second >= from && e.second <= to && strings.Contains(e.is, name) {
					n++
				}
			}
			if st.Window == 0 {
				n = min(n, 1) // one event alone
			}
			return n
		}
		most := count(from, at)
		if i+1 < len(steps) && steps[i+1].Reached != nil {
			for _, e := range events {
				if e.second > at && e.second <= *steps[i+1].Reached/1000 {
					most = max(most, count(e.second-(at-from), e.second))
				}
			}
		}
		switch x := st.Compared[0]; {
		case at < before || at > end:
			return fmt.Sprintf("step %d at %d, the one before it at %d", i, at, before)
		case i > 0 && st.Within > 0 && at-before > st.Within/1000:
			return fmt.Sprintf("step %d at %d is too long after %d", i, at, before)
		case st.Within == 0 && st.Window > 0 && end-at >= 60:
			return fmt.Sprintf("step %d at %d is a window before the end at %d", i, at, end)
		case x.Value != count(from, at) || x.Value <= number || !x.Holds || x.Most != most:
			return fmt.Sprintf("step %d came to %v, most %v, by the events to %v, most %v", i, x.Value, x.Most, count(from, at), most)
		case !slices.ContainsFunc(events, func(e letter) bool { return e.second == at }):
			return fmt.Sprintf("step %d at %d, where no event is", i, at)
		}
		before = at
	}
	for at, n := range standing {
		at1 := 0
		for _, e := range events {
			if e.second == at {
				at1++
			}
		}
		if n > at1 {
			return fmt.Sprintf("%d steps at %d, where %d events are", n, at, at1)
		}
	}
	return ""
}

// TestTheCourseOfASequenceHasTheWindowOfEachStep compares the course with counts.
func TestTheCourseOfASequenceHasTheWindowOfEachStep(t *testing.T) {
	plan := lettersPlan(t, "a > 1 then b > 0")
	own := lettersMatches(plan, []letter{{0, "a"}, {5, "a"}, {20, "b"}})
	course := Moment{Plan: plan, Group: []string{"u"}, At: 90_000, Own: own}.Course(-1000, 100)
	var got []string
	for _, p := range course.Points {
		got = append(got, fmt.Sprint(int64(p.At)/1000, p.Values, p.Case))
	}
	if want := []string{"-1 [0 0] -1", "0 [1 0] -1", "5 [2 0] -1", "20 [2 1] -1", "60 [1 1] -1", "65 [0 1] -1", "80 [0 0] -1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := []Column{{Label: 0, Step: "1", Window: 60_000}, {Label: 1, Step: "2", Window: 60_000}}; !slices.Equal(course.Columns, want) {
		t.Errorf("columns: got %+v, want %+v", course.Columns, want)
	}
}
