package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/secl/event"
)

// loop runs a program many times, from a shell that does nothing else.
const loop = `i=0; while [ $i -lt $1 ]; do $3 $2 $i; i=$((i+1)); done`

// livesVariable says how many lives each shell of TestOfShortLivesNoneIsMissing has:
// 100,000 in `make test-kill`.
const livesVariable = "NIGHTJAR_SHORT_LIVES"

// shortLived makes a program that ends at once.
func shortLived(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		return realPath(t, "/bin/true")
	}
	at := filepath.Join(t.TempDir(), "short-lived")
	const exitGroup = 231 // without a linker and libraries it is a quarter of the work
	if err := writeProgram(at, executable([]byte{0xb8, exitGroup, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05})); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestOfShortLivesNoneIsMissing(t *testing.T) {
	const shells = 2
	each := numberFrom(t, livesVariable, 2500)
	type life struct{ execs, exits int }
	lives := map[string]*life{}
	program := shortLived(t)
	w := watch(t, "any: exec.comm == \"no-such-comm\"", func(_ *Config, w *watched) {
		w.each = func(e *event.Event) {
			p := e.Process
			if len(p.Argv) != 2 || !strings.HasPrefix(p.Argv[0], "short-") || p.File.Path != program {
				return
			}
			l := lives[p.Args]
			if l == nil {
				l = &life{}
				lives[p.Args] = l
			}
			switch e.Type {
			case "exec":
				l.execs++
			case "exit":
				l.exits++
			}
			if p.Parent == nil || p.Parent.Comm != "sh" {
				t.Errorf("%s has the parent %+v", p.Args, p.Parent)
			}
		}
	})
	var wait sync.WaitGroup
	for i := range shells {
		wait.Go(func() {
			if err := exec.Command("/bin/sh", "-c", loop, "sh", strconv.Itoa(each), fmt.Sprintf("short-%d", i), program).Run(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	w.stop()
	w.adds()
	if lost := w.last.LostAll(); lost != 0 {
		t.Errorf("%d events were lost", lost)
	}
	if len(lives) != shells*each {
		t.Errorf("%d lives, want %d", len(lives), shells*each)
	}
	for args, l := range lives {
		if l.execs != 1 || l.exits != 1 {
			t.Fatalf("%s: %+v, want one of each", args, *l)
		}
	}
}

// numberFrom is a number that a variable of the environment gives, or else another.
func numberFrom(t *testing.T, variable string, or int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return or
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// realPath is where a program is, links followed: in some systems it is one
// program with many names.
func realPath(t *testing.T, name string) string {
	t.Helper()
	at, err := filepath.EvalSymlinks(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func init() {
	works["opens"] = func(args []string) error {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		for range n {
			fd, err := unix.Open(args[1], unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			unix.Close(fd)
		}
		return nil
	}
}

func TestNothingIsUnaccountedWhenTheReaderStops(t *testing.T) {
	const opens = 300_000
	file := filepath.Join(t.TempDir(), "counted.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	seen := 0
	w := watch(t, `counted: open.file.path == "`+file+`"`, func(_ *Config, w *watched) {
		w.keep = func(*Match) bool { return false }
		w.each = func(e *event.Event) {
			if e.Type == "open" && e.File.Path == file {
				seen++
				once.Do(func() {
					close(stopped)
					<-release
				})
			}
		}
	})
	if err := work("opens", "1", file).Run(); err != nil {
		t.Fatal(err)
	}
	<-stopped
	before, err := w.agent.probe.Counts()
	if err != nil {
		t.Fatal(err)
	}
	do(t, "opens", strconv.Itoa(opens), file)
	after, err := w.agent.probe.Counts()
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	w.stop()
	w.adds()
	// What the kernel says was generated is what the workload did. Others on this
	// machine open files too; of these the kernel lets a few through, whose names it
	// can't tell (an open that failed of a path that ends with a slash).
	open := w.last.Events["open"]
	approved := (after[4][0] - before[4][0]) - (after[4][1] - before[4][1])
	others := approved - opens
	if approved < opens || others > 200 {
		t.Errorf("the kernel counted %d opens of the file, the workload did %d", approved, opens)
	}
	if open.Lost == 0 {
		t.Error("nothing was lost: the ring holds all, and the test shows nothing")
	}
	if got := uint64(seen) + open.Lost; got < opens+1 || got > opens+1+others {
		t.Errorf("%d seen + %d lost, want %d, and at most %d of others", seen, open.Lost, opens+1, others)
	}
	if w.last.Lost[lostRing] < open.Lost {
		t.Errorf("lost: %v, of opens %d", w.last.Lost, open.Lost)
	}
}

func TestTheRateLimitCountsWhatItHoldsBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limited.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `limited: open.file.path == "`+file+`"`, func(c *Config, _ *watched) {
		c.Policies[0].Rules[0].Every = time.Hour
	})
	do(t, "opens", "100", file)
	w.stop()
	if r := w.last.Rules["limited"]; r == nil || r.Matches != 100 || r.HeldBack != 99 || len(w.matches) != 1 {
		t.Errorf("the rule has %+v, and %d were reported", r, len(w.matches))
	}
}
