package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	pairs = flag.Int("pairs", 0, "pairs of runs for each workload; 0: nothing is measured")
	scale = flag.Int("scale", 1, "divides the operations of a run")
	only  = flag.String("only", "", "workloads whose name has this")
)

// TestRatios measures, and fails only where it can't, or where an agent lost events.
func TestRatios(t *testing.T) {
	if *pairs == 0 {
		t.Skip("a benchmark: make bench-agent")
	}
	t.Logf("load %s", load())
	for _, w := range workloads {
		if _, err := exec.LookPath("go"); err != nil && w.role == "build" || !strings.Contains(w.name, *only) {
			continue
		}
		w.n = max(1, w.n / *scale)
		w.measure(t)
	}
}

// measure runs a workload in pairs, without and with an agent in turns, and prints
// the median of the pairs' ratios.
func (w workload) measure(t *testing.T) {
	var ratios, off, on, perEvent []float64
	var total account
	var lost uint64
	if _, err := w.run(); err != nil { // what is cold the first time
		t.Fatal(err)
	}
	for i := range *pairs {
		without, with, a, err := w.pair(i%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		perOp := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(w.n) }
		ratios, off, on = append(ratios, with.Seconds()/without.Seconds()), append(off, perOp(without)), append(on, perOp(with))
		perEvent = append(perEvent, a.CPU.Seconds()*1e6/float64(max(1, a.Delivered)))
		total.Generated, total.Filtered, total.Delivered, total.Matches = total.Generated+a.Generated, total.Filtered+a.Filtered, total.Delivered+a.Delivered, total.Matches+a.Matches
		lost += a.LostAll() + a.Dropped
		total.Peak = a.Peak
	}
	verdict := "met"
	if median(ratios) > w.bound {
		verdict = "MISSED"
	}
	t.Logf("%-30s %10.2f us/op off %10.2f on, ratio %.3f [%.3f..%.3f] of at most %.2f: %s", w.name, median(off), median(on),
		median(ratios), slices.Min(ratios), slices.Max(ratios), w.bound, verdict)
	t.Logf("%-30s events %d, filtered %d, delivered %d, matches %d, lost %d; agent %.1f us of CPU per delivered event, peak memory %s", "",
		total.Generated, total.Filtered, total.Delivered, total.Matches, lost, median(perEvent), total.Peak)
	if lost > 0 {
		t.Errorf("%s: %d events or matches lost", w.name, lost)
	}
}

// pair runs the workload twice.
func (w workload) pair(offFirst bool) (off, on time.Duration, a account, err error) {
	if offFirst {
		if off, err = w.run(); err != nil {
			return 0, 0, a, err
		}
	}
	agent, err := startWatcher(policyText(w.rule))
	if err != nil {
		return 0, 0, a, err
	}
	if on, err = w.run(); err != nil {
		return 0, 0, a, err
	}
	if a, err = agent.end(); err != nil {
		return 0, 0, a, err
	}
	if !offFirst {
		off, err = w.run()
	}
	return off, on, a, err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// load is the machine's load average, and what it runs.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	var u unix.Utsname
	_ = unix.Uname(&u) // of two diagnostics
	return fmt.Sprintf("%s, kernel %s", strings.TrimSpace(string(text)), unix.ByteSliceToString(u.Release[:]))
}
