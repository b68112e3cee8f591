package auditd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecordsAreReadFieldByField has what auditd, syslog and the kernel make of them.
func TestRecordsAreReadFieldByField(t *testing.T) {
	for line, want := range map[string]string{
		`type=SYSCALL msg=audit(1700000000.243:24287): arch=c000003e success=no exit=-13 a0=7fffd19c5592 comm="cat" exe="/bin/cat" key="k"`:                                                                   `SYSCALL @ 1700000000243 24287: arch=c000003e success=no exit=-13 a0=7fffd19c5592 comm=cat exe=/bin/cat key=k`,
		`node=h.example type=PATH msg=audit(1700000000.243:1): item=0 name=2F746D702F61206220 nametype=NORMAL`:                                                                                                `PATH @h.example 1700000000243 1: item=0 name*=/tmp/a b  nametype=NORMAL`,
		`type=PROCTITLE msg=audit(1700000000.243:1) : proctitle=636174002F6574632F736861646F77`:                                                                                                               `PROCTITLE @ 1700000000243 1: proctitle*=cat /etc/shadow`,
		`type=PROCTITLE msg=audit(1700000000.000:1): proctitle="ls"`:                                                                                                                                          `PROCTITLE @ 1700000000000 1: proctitle=ls`,
		`type=EXECVE msg=audit(1700000000.000:1): argc=3 a0="ls" a1=2D6C a2_len=8 a2[0]=6162 a2[1]=6364`:                                                                                                      `EXECVE @ 1700000000000 1: argc=3 a0=ls a1*=-l a2_len=8 a2[0]*=ab a2[1]*=cd`,
		`type=USER_LOGIN msg=audit(1700000000.001:2): pid=3280 uid=0 auid=4294967295 msg='op=login acct="root" pid=1 hostname=? addr=192.0.2.1 terminal=ssh res=failed'` + "\x1d" + `UID="root" AUID="unset"`: `USER_LOGIN @ 1700000000001 2: pid=3280 uid=0 auid=4294967295 op=login acct=root hostname=? addr=192.0.2.1 terminal=ssh res=failed UID=root AUID=unset`,
		`type=USER_CMD msg=audit(1700000000.001:2): pid=1 msg='cwd="/" cmd=6964202D75 terminal=pts/0 res=success'`:                                                                                            `USER_CMD @ 1700000000001 2: pid=1 cwd=/ cmd*=id -u terminal=pts/0 res=success`,
		`Mar  1 12:00:00 h kernel: audit: type=1400 audit(1700000000.001:3): avc:  denied  { read write } for  pid=9 comm="a b" scontext=u:r:t:s0`:                                                            `AVC @ 1700000000001 3: seresult=denied seperms=read write pid=9 comm=a b scontext=u:r:t:s0`,
		`type=UNKNOWN[1334] msg=audit(1700000000.001:3): prog-id=1 op=LOAD`:                                                                                                                                   `BPF @ 1700000000001 3: prog-id=1 op=LOAD`,
		`type=X msg=audit(1700000000.001:3): key=(null) a="unclosed`:                                                                                                                                          `X @ 1700000000001 3: key=(null) a=unclosed`,
		`type=X msg=audit(1700000000.001:3): msg='unclosed a=b`:                                                                                                                                               `X @ 1700000000001 3: a=b`,
		`type=X msg=audit(1700000000:3):`:           `X @ 1700000000000 3:`,
		`type=X msg=audit(x:3): a=b`:                ``,
		`type=X a=b`:                                ``,
		`nothing`:                                   ``,
		`mytype=X msg=audit(1700000000.001:3): a=b`: ``,
	} {
		r, ok := Parse(line)
		got := ""
		if ok {
			got = fmt.Sprintf("%s @%s %d %d:", r.Type, r.Node, r.Millis, r.Serial)
			for _, f := range r.Fields {
				star := ""
				if f.Decoded {
					star = "*"
				}
				got += " " + f.Name + star + "=" + f.Value
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
	r, _ := Parse(`type=EXECVE msg=audit(1700000000.000:1): argc=3 a0="ls" a1=2D6C a2_len=8 a2[0]=6162 a2[1]=6364`)
	if diff := cmp.Diff([]string{"ls", "-l", "abcd"}, r.Arguments()); diff != "" {
		t.Error(diff)
	}
}

// event are the records of one, n seconds after the others.
func event(serial, n int, end string) []string {
	stamp := fmt.Sprintf("msg=audit(%d.000:%d):", 1_700_000_000+n, serial)
	lines := []string{"type=SYSCALL " + stamp + " a=1", "type=CWD " + stamp + ` cwd="/"`, "type=PATH " + stamp + " item=0", "type=PATH " + stamp + " item=1"}
	if end != "" {
		lines = append(lines, "type="+end+" "+stamp+" x=1")
	}
	return lines
}

func joinAll(t *testing.T, lines []string) (out []Event) {
	t.Helper()
	j := NewJoiner(func(e Event) error { out = append(out, e); return nil })
	for i, l := range lines {
		if err := j.Add(l+"\r", i+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRecordsOfEventsThatAreMixedAreJoined mixes the records of events, each in its
// own order, in many ways.
func TestRecordsOfEventsThatAreMixedAreJoined(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var queues [][]string
		want := map[string]bool{}
		for i := range 5 {
			lines := event(i, 0, []string{"EOE", "PROCTITLE", ""}[random.IntN(3)])
			queues = append(queues, lines)
			want[strings.Join(lines, "\n")] = true
		}
		var mixed []string
		for len(queues) > 0 {
			i := random.IntN(len(queues))
			mixed = append(mixed, queues[i][0])
			if queues[i] = queues[i][1:]; len(queues[i]) == 0 {
				queues = slices.Delete(queues, i, i+1)
			}
		}
		got := joinAll(t, mixed)
		if len(got) != len(want) {
			t.Errorf("seed %d: %d events, want %d", seed, len(got), len(want))
		}
		last := 0
		for _, e := range got {
			if !want[e.Text] {
				t.Errorf("seed %d: nobody wrote\n%s", seed, e.Text)
			}
			if mixed[e.Line-1] != strings.Split(e.Text, "\n")[0] || e.Line <= last {
				t.Errorf("seed %d: an event at line %d after one at %d", seed, e.Line, last)
			}
			last = e.Line
		}
	}
}

// TestAnEventIsOpenUntilItIsOver says what is known of the end of an event.
func TestAnEventIsOpenUntilItIsOver(t *testing.T) {
	user := "type=USER_LOGIN msg=audit(1700000009.000:9): res=failed"
	for name, c := range map[string]struct {
		lines []string
		want  []bool // of each event, whether it is open
	}{
		"closed by EOE":            {event(1, 0, "EOE"), []bool{false}},
		"closed by PROCTITLE":      {append(event(1, 0, "PROCTITLE"), "type=EOE msg=audit(1700000000.000:1):"), []bool{false}},
		"nothing says so":          {event(1, 0, ""), []bool{true}},
		"one that is much younger": {append(event(1, 0, ""), event(2, 3, "")...), []bool{false, true}},
		"a record of its own":      {[]string{user}, []bool{false}},
		"what ausearch puts in":    {[]string{"----", "time->Tue Nov 14 22:13:20 2023", user}, []bool{false}},
		"what is no record":        {[]string{"hello", user}, []bool{false, false}},
		"the same number elsewhere": {[]string{
			"node=a type=CWD msg=audit(1700000000.000:1): cwd=a", "node=b type=CWD msg=audit(1700000000.000:1): cwd=b", "type=CWD msg=audit(1700000000.001:1): cwd=c"}, []bool{true, true, true}},
	} {
		var got []bool
		for _, e := range joinAll(t, c.lines) {
			got = append(got, e.Open)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	many := make([]string, 3*maxPending)
	for i := range many {
		many[i] = fmt.Sprintf("type=CWD msg=audit(1700000000.000:%d): cwd=x", i)
	}
	waiting := 0
	j := NewJoiner(func(Event) error { waiting--; return nil })
	for i, l := range many {
		waiting++
		if err := j.Add(l, i); err != nil || waiting > maxPending {
			t.Fatalf("%d events wait, %v", waiting, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, l := range event(1, 0, "EOE") {
		f.Add(l)
	}
	f.Add("type=EXECVE msg=audit(1700000000.000:1): argc=3 a0=\"ls\" a99999999[1]=41 a1[-1]=42")
	f.Add("node=x type=USER_CMD msg=audit(1.000:2): msg='a='b' c=d'")
	f.Fuzz(func(t *testing.T, line string) {
		r, ok := Parse(line)
		if !ok {
			return
		}
		seen := map[string]bool{}
		for _, field := range r.Fields {
			if seen[field.Name] || !isName(field.Name) {
				t.Errorf("%q: field %q", line, field.Name)
			}
			seen[field.Name] = true
		}
		if len(r.Arguments()) > maxFields {
			t.Errorf("%d arguments", len(r.Arguments()))
		}
	})
}

func FuzzJoin(f *testing.F) {
	f.Add(strings.Join(event(1, 0, "EOE"), "\n"))
	f.Fuzz(func(t *testing.T, text string) {
		lines := 0
		j := NewJoiner(func(e Event) error { lines += strings.Count(e.Text, "\n") + 1; return nil })
		want := 0
		for i, l := range strings.Split(text, "\n") {
			l = strings.TrimRight(l, "\r")
			if r, ok := Parse(l); !(ok && r.Type == "EOE") && strings.Trim(l, "-") != "" && !strings.HasPrefix(l, "time->") {
				want++
			}
			if err := j.Add(l, i+1); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil || lines < want {
			t.Fatalf("%d of %d lines came out, %v", lines, want, err)
		}
	})
}
