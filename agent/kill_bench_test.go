package agent

import (
	"slices"
	"testing"
	"time"

	"nightjar/secl/policy"
)

// BenchmarkExecToSIGKILL measures, of a program that is killed as it begins, how long
// after its exec the signal was sent, and how long after it the program was gone: once
// where the kernel kills it (the signal is a part of the exec), once where the agent
// does. `make bench-kill` runs it.
func BenchmarkExecToSIGKILL(b *testing.B) {
	for _, c := range []struct{ name, more string }{{"kernel", ""}, {"agent", ` && exec.argv in ["60"]`}} {
		b.Run(c.name, func(b *testing.B) {
			sleep := program(b, b.TempDir(), "sleeper", "/bin/sleep")
			w := killing(b, policy.Blocking, killRule("sleeper", `exec.file.path == "`+sleep+`"`+c.more, noDisarmers))
			b.ResetTimer()
			for range b.N {
				_ = as("sleep", sleep, "60").Run()
			}
			b.StopTimer()
			w.stop()
			var signal, exit []time.Duration
			for _, m := range w.of("sleeper", 0) {
				r := actions(b, m)[0]
				at := time.Unix(0, m.event.Timestamp)
				signal, exit = append(signal, timeOf(b, r["killed_at"]).Sub(at)), append(exit, timeOf(b, r["exited_at"]).Sub(at))
			}
			if len(signal) != b.N {
				b.Fatalf("%d of %d were killed", len(signal), b.N)
			}
			for what, list := range map[string][]time.Duration{"signal": signal, "exit": exit} {
				slices.Sort(list)
				b.ReportMetric(float64(list[len(list)/2].Microseconds()), what+"-p50-µs")
				b.ReportMetric(float64(list[len(list)*99/100].Microseconds()), what+"-p99-µs")
			}
		})
	}
}

func timeOf(t testing.TB, v any) time.Time {
	t.Helper()
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
