package bench

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"nightjar/schema"
)

// TestInsertCost says what the insert of an event costs the engine and the
// server, in blocks of 10,000 and without the merges that follow.
func TestInsertCost(t *testing.T) {
	if *flagRepeats == 1 {
		t.Skip("runs with -repeats")
	}
	w := newWorld(t, 10_000)
	w.exec(t, "SYSTEM STOP MERGES events")
	for _, of := range []struct {
		name string
		make func() schema.Event
	}{
		{"mixed events", newGenerator(2, 1<<30).event},
		{"logins of 570 bytes", func() func() schema.Event {
			g := newGenerator(3, 1<<30)
			return func() schema.Event { return login(g) }
		}()},
	} {
		var ours, theirs []float64
		bytes := 0
		for i := range *flagRepeats {
			events := make([]schema.Event, 10_000)
			for k := range events {
				events[k] = of.make()
				events[k].Seen = schema.MillisOf(firstDay)
				bytes += len(events[k].JSON) + len(events[k].Message)
			}
			us, it := threadsCPU(t, os.Getpid()), threadsCPU(t, w.pid)
			if err := w.sink.Insert(t.Context(), fmt.Sprint(of.name, i), events); err != nil {
				t.Fatal(err)
			}
			ours = append(ours, (threadsCPU(t, os.Getpid())-us)/10)
			theirs = append(theirs, (threadsCPU(t, w.pid)-it)/10)
		}
		t.Logf("%s (%d bytes of message and attributes): engine %.1f µs, server %.1f µs an event, median of %d",
			of.name, bytes/10_000 / *flagRepeats, median(ours), median(theirs), *flagRepeats)
	}
}

// login is like an event of the load test: nested, one kind, about 570 bytes.
func login(g *generator) schema.Event {
	g.made++
	user, ip, port := g.user(), g.address(), 1024+g.IntN(60_000)
	e := schema.Event{Seq: uint64(g.made), At: schema.MillisOf(firstDay).Add(time.Duration(g.made) * time.Millisecond), Source: "auth", Status: "info",
		Service: "app-" + strconv.Itoa(g.IntN(100)), Host: "web-" + strconv.Itoa(g.IntN(200)),
		Message: fmt.Sprintf("Accepted password for %s from %s port %d ssh2", user, ip, port)}
	g.json = append(g.json[:0], '{')
	g.write(`"evt":{"name":"authentication","outcome":"success"},"usr":{"id":"%s","email":"%s@example.com"}`, user, user)
	g.write(`"network":{"client":{"ip":"%s","port":%d,"geo":{"cc":"DE","city":"Berlin","lat":%.3f,"lon":%.3f}}}`, ip, port, g.Float64()*90, g.Float64()*90)
	g.write(`"http":{"method":"POST","path":"/login","code":200,"ua":"%s"},"req":"%s"`, one(g, userAgents...), g.hex(24))
	var err error
	if e.Attributes, err = schema.ParseAttributes(string(append(g.json, '}'))); err != nil {
		panic(err)
	}
	return e
}
