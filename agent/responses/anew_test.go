package responses

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// enrol makes an agent of a host, and says whether it is to isolate it.
func (d *desk) enrol(t *testing.T, agent, host string) bool {
	t.Helper()
	if err := d.Enrolled(t.Context(), agent, host); err != nil {
		t.Fatal(err)
	}
	return d.isolates(agent)
}

func (d *desk) isolates(agent string) bool {
	_, isolation, _ := d.Of(agent)
	return isolation != nil
}

// release has an agent of web-1 end its isolation.
func (d *desk) release(t *testing.T, agent string, beside ...string) string {
	t.Helper()
	v, err := d.Create(t.Context(), Response{Action: Release, Agent: agent, Host: "web-1", Reason: "mended", By: "joe", Deadline: schema.MillisOf(d.now) + 60_000}, beside...)
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}

// TestAHostThatEnrolsAnewStaysIsolated until it is released, and then with every agent that
// it had.
func TestAHostThatEnrolsAnewStaysIsolated(t *testing.T) {
	d := newDesk(t)
	d.answer(t, d.ask(t, Isolate), Performed)
	if !d.enrol(t, "a9", "web-1") || d.enrol(t, "a2", "web-2") || !d.isolates("a1") {
		t.Error("web-1 is let back by enrolling anew, or web-2 is isolated")
	}
	d.restart(t)
	_, isolation, _ := d.Of("a9")
	if isolation == nil || isolation.By != "jane" || isolation.Reason != "the host enrolled anew: a drill" {
		t.Errorf("its orders: %+v", isolation)
	}
	if all := d.List(Query{Agent: "a9"}); len(all) != 1 || all[0].Body.State != Done || all[0].Body.Host != "web-1" || all[0].Body.Ended == 0 {
		t.Errorf("listed: %+v", all)
	}
	if n := len(d.noted); n != 2 || d.noted[1] != "isolate done" {
		t.Errorf("written down: %v", d.noted)
	}
	if !d.enrol(t, "a10", "web-1") || !strings.HasSuffix(d.List(Query{Agent: "a10"})[0].Body.Reason, "anew: a drill") {
		t.Error("enrolled twice, it is let back")
	}

	end := d.release(t, "a10")
	if d.isolates("a1") || d.isolates("a9") || d.isolates("a10") {
		t.Error("released, earlier agents isolate")
	}
	d.now = d.now.Add(2 * time.Minute)
	d.step(t)
	if v, _ := d.Get(t.Context(), end); v.Body.State != Expired || !d.isolates("a1") || !d.isolates("a10") {
		t.Errorf("nobody heard of the release (%s), and it holds", v.Body.State)
	}
	end = d.release(t, "a10")
	if err := d.Answered(t.Context(), "a10", []orders.Result{{ID: end, Status: Performed}}); err != nil {
		t.Fatal(err)
	}
	d.restart(t)
	if len(d.Isolated()) != 0 || d.enrol(t, "a11", "web-1") {
		t.Errorf("isolated after the release: %v", d.Isolated())
	}
	if _, err := d.LetGo(t.Context(), schema.MillisOf(d.now)+1); err != nil {
		t.Fatal(err)
	}
	d.restart(t)
	if len(d.Isolated()) != 0 || d.isolates("a1") {
		t.Errorf("isolated after old responses went: %v", d.Isolated())
	}
}

// TestWhoEnrolsUnderTheNameOfAnother ends no isolation and begins none elsewhere, whatever it
// answers; a release of it is not one of the other, which is heard of.
func TestWhoEnrolsUnderTheNameOfAnother(t *testing.T) {
	d := newDesk(t)
	d.answer(t, d.ask(t, Isolate), Performed)
	if !d.enrol(t, "mallory", "web-1") {
		t.Error("the other is not isolated")
	}
	for _, v := range d.List(Query{}) {
		if err := d.Answered(t.Context(), "mallory", []orders.Result{{ID: v.ID, Status: Errored}}); err != nil {
			t.Fatal(err)
		}
	}
	if !d.isolates("a1") {
		t.Error("what the other answers lets a1 back")
	}
	if err := d.Answered(t.Context(), "mallory", []orders.Result{{ID: d.release(t, "mallory", "a1"), Status: Performed}}); err != nil {
		t.Fatal(err)
	}
	if !d.isolates("a1") || d.isolates("mallory") {
		t.Errorf("after a release of the other: %v", d.Isolated())
	}
	d.enrol(t, "mallory2", "db-1")
	if _, err := d.Create(t.Context(), Response{Action: Isolate, Agent: "mallory2", Host: "db-1", Reason: "r", Deadline: schema.MillisOf(d.now) + 60_000}); err != nil {
		t.Fatal(err)
	}
	if d.isolates("db") || fmt.Sprint(d.Isolated()) != "map[a1:web-1 mallory2:db-1]" {
		t.Errorf("isolated: %v", d.Isolated())
	}
}

// TestAnIsolationThatWaitsGoesOnWithItsDeadline, and one that is kept from it by the switch
// holds once that is armed.
func TestAnIsolationThatWaitsGoesOnWithItsDeadline(t *testing.T) {
	d := newDesk(t)
	first := d.ask(t, Isolate)
	if !d.enrol(t, "a9", "web-1") {
		t.Error("not isolated")
	}
	commands, _, _ := d.Of("a9")
	was, _ := d.Get(t.Context(), first)
	if len(commands) != 1 || commands[0].Network == nil || !commands[0].Network.Isolated || !commands[0].Expires.Equal(was.Body.Deadline.Time()) {
		t.Fatalf("it is told %+v", commands)
	}
	d.now = d.now.Add(2 * time.Minute)
	d.step(t)
	if d.isolates("a9") || d.enrol(t, "a10", "web-1") {
		t.Error("isolated after the deadline")
	}

	d.answer(t, d.ask(t, Isolate), Performed)
	if _, _, err := d.Disarm(t.Context(), "jane", "a drill"); err != nil {
		t.Fatal(err)
	}
	if d.enrol(t, "a11", "web-1") {
		t.Error("isolated while all are disarmed")
	}
	if _, err := d.Arm(t.Context(), "jane", "over"); err != nil {
		t.Fatal(err)
	}
	if !d.isolates("a11") {
		t.Error("armed, it is not isolated")
	}
}

// TestTheReasonOfAnIsolationThatGoesOnFits what a reason may be.
func TestTheReasonOfAnIsolationThatGoesOnFits(t *testing.T) {
	d := newDesk(t)
	_, err := d.Create(t.Context(), Response{Action: Isolate, Agent: "a1", Host: "web-1", Reason: strings.Repeat("ü", MaxReason/2), Deadline: schema.MillisOf(d.now) + 60_000})
	if err != nil {
		t.Fatal(err)
	}
	if !d.enrol(t, "a9", "web-1") {
		t.Error("not isolated")
	}
}
