package delivery_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/agent"
	"nightjar/agent/delivery"
	"nightjar/agent/probe"
	"nightjar/schema"
)

// The server does not answer two of three requests, and matches are lost on the way.
func TestReportsSayOnceWhatWasLostAndEndWithTheAgent(t *testing.T) {
	s := newServer(t, func(n int, _ []byte) (int, bool) {
		if n%3 != 0 {
			return http.StatusServiceUnavailable, false
		}
		return 0, false
	})
	sink, err := delivery.NewSink(delivery.Config{
		Server: s.URL, Key: "key", Spool: t.TempDir(), Memory: 400, SpoolBytes: 1500, Linger: time.Millisecond, Pause: time.Millisecond, MaxPause: time.Millisecond, Farewell: time.Minute,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}, delivery.About{Host: "web-1", Version: "1.2", Policies: []string{"p"}, Report: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	sink.Ready([]probe.Hook{
		{Name: "on_cgroup_attach", Kind: "tp_btf", Attached: true, Events: []string{"cgroup_write"}},
		{Name: "on_sysctl", Kind: "cgroup", Reason: "no cgroups", Events: []string{"sysctl"}},
		{Name: "on_call", Kind: "tp_btf", Attached: true, Events: []string{"open"}},
		{Name: "on_uring", Kind: "tp_btf", Reason: "no rings", Events: []string{"open"}},
	})
	const rounds = 50
	lost := map[string]uint64{}
	for i := range rounds {
		for range 10 {
			sink.Match(agent.Match{JSON: event(i)})
		}
		lost["ring_full"] += uint64(i)
		sink.Report(agent.Report{Time: time.Now().Add(time.Duration(i)), Generated: uint64(10 * i), Lost: map[string]uint64{"ring_full": lost["ring_full"]}})
		time.Sleep(time.Millisecond)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	since, matches := map[string]uint64{}, uint64(0)
	var last schema.AgentReport
	for _, text := range s.received() {
		r := reportOf(t, text)
		if r == nil {
			matches++
			continue
		}
		for cause, n := range r.LostSince {
			since[cause] += n
		}
		last = *r
	}
	if since["ring_full"] != lost["ring_full"] || since[delivery.LostQueueFull]+since[delivery.LostSpoolFull] != sink.Dropped() || sink.Dropped() == 0 {
		t.Errorf("reports say %v, lost were %v and %d matches", since, lost, sink.Dropped())
	}
	if matches+sink.Dropped() != 10*rounds || last.Undelivered[delivery.LostQueueFull]+last.Undelivered[delivery.LostSpoolFull] != sink.Dropped() {
		t.Errorf("%d matches arrived and %d are said to be lost, of %d", matches, sink.Dropped(), 10*rounds)
	}
	if !last.Stopping || last.Generated != 10*(rounds-1) || last.Version != "1.2" || fmt.Sprint(last.Policies) != "[p]" {
		t.Errorf("the last report is %+v", last)
	}
	seen := map[string]schema.AgentHook{}
	for _, h := range last.Hooks {
		seen[h.Event] = h
	}
	if seen["cgroup_write"].Provider == "" || !strings.Contains(seen["open"].Without, "no rings") || seen["sysctl"].Provider != "" ||
		!slices.Contains(last.Unsupported, schema.AgentUnsupported{Event: "sysctl", Reason: "any of it: no cgroups"}) {
		t.Errorf("seen are %v, not seen %v", last.Hooks, last.Unsupported)
	}
}

// reportOf is the report that an event carries; nil where it carries none.
func reportOf(t *testing.T, text string) *schema.AgentReport {
	t.Helper()
	var e struct {
		Source, Hostname string
		Agent            struct {
			RuleID string `json:"rule_id"`
			Report *schema.AgentReport
		}
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if r := e.Agent.Report; r != nil && (e.Source != schema.AgentSource || e.Hostname != "web-1" || e.Agent.RuleID != r.RuleID()) {
		t.Errorf("a report in %s", text)
	}
	return e.Agent.Report
}
