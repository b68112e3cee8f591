package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// chatter writes messages to a sender's socket as programs do, without end, until stop.
func chatter(t *testing.T, socket, name string, stop <-chan struct{}) (sent int) {
	t.Helper()
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer conn.Close()
	for ; ; sent++ {
		select {
		case <-stop:
			return sent
		case <-time.After(2 * time.Millisecond):
		}
		text := fmt.Sprintf("<12>%s app[41]: %s %d", time.Now().Format("Jan _2 15:04:05"), name, sent)
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Error(err)
			return sent
		}
	}
}

// TestSendersGoOnThroughRestarts stops and starts the engine under senders that never
// rest. Nothing is lost, but for the messages that a sender writes to a connection
// whose end it does not see (restarts=lossy).
func TestSendersGoOnThroughRestarts(t *testing.T) {
	t.Parallel()
	throughStops(t, func(e example) bool { return e.options["restarts"] != "" }, [][]string{nil, nil})
}

// TestSendersWaitWhileTheEngineRefuses has the engine refuse everything between two
// stops.
func TestSendersWaitWhileTheEngineRefuses(t *testing.T) {
	t.Parallel()
	throughStops(t, func(e example) bool { return e.options["refused"] == "waits" }, [][]string{{"--intake-quota", "1B"}, nil})
}

// onTheWay is how many messages a sender may write to a connection whose end it does not see,
// a batch of syslog-ng's: one as a rule, more where the machine is loaded.
const onTheWay = 100

// throughStops runs the senders of some examples, and stops the engine; stops says
// what it is started with after each.
func throughStops(t *testing.T, which func(example) bool, stops [][]string) {
	t.Helper()
	for _, name := range []string{"rsyslog", "syslog-ng"} {
		requireSender(t, name)
	}
	s := startStation(t)
	var senders []*daemon
	var names []string
	var mayLose []uint64
	for _, e := range examples(t) {
		if e.verb != "run" || !which(e) {
			continue
		}
		dir := t.TempDir()
		start, lossy := startRsyslog, uint64(0)
		if e.options["restarts"] == "lossy" {
			lossy = uint64(len(stops)) * onTheWay
		}
		mayLose = append(mayLose, lossy)
		if e.name == "syslog-ng" {
			start = startSyslogNG
		}
		senders, names = append(senders, start(t, s.configured(e, dir), dir)), append(names, e.String())
	}
	if len(senders) < 3 {
		t.Fatalf("only %s are to be tried", names)
	}
	stop, sent := make(chan struct{}), make(chan [2]int)
	for i, d := range senders {
		go func() { sent <- [2]int{i, chatter(t, d.socket, names[i], stop)} }()
	}
	time.Sleep(2 * time.Second)
	for _, args := range stops {
		s.terminate()
		full := s.args
		s.args = append(slices.Clone(full), args...)
		time.Sleep(time.Second)
		s.start()
		s.args = full
		time.Sleep(3 * time.Second)
	}
	close(stop)
	total := make([]int, len(senders))
	for range senders {
		n := <-sent
		total[n[0]] = n[1]
	}
	limit := time.Now().Add(patience)
	for i, name := range names {
		where := "startsWith(message, '" + strings.ReplaceAll(name, "'", `\'`) + " ')"
		came := uint64(0)
		for {
			came = s.count("SELECT uniqExact(message) FROM events WHERE " + where)
			if came+mayLose[i] >= uint64(total[i]) || time.Now().After(limit) {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		all := s.count("SELECT count() FROM events WHERE " + where)
		t.Logf("%s: %d messages sent, %d came, in %d events", name, total[i], came, all)
		if came+mayLose[i] < uint64(total[i]) {
			t.Errorf("%s: %d messages are lost; the sender said:\n%s", name, uint64(total[i])-came, senders[i].output)
		}
	}
}
