package clickhouse

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// patienceOfWork is how many times longer a server may be silent that works.
const patienceOfWork = 4

// watch probes the child until ctx ends, and kills it when no answer
// comes for HangTime; the supervisor replaces it then. A process that is stopped, or
// waits for itself, uses no processor; one that is merely busy is waited for longer.
func (e *Embedded) watch(ctx context.Context, c *child) {
	conn, err := ch.Open(e.adminOver(c))
	if err != nil {
		e.log.Error("cannot watch over the embedded ClickHouse", "error", err) // it says so of wrong options only
		return
	}
	defer conn.Close()
	every := e.cfg.HangTime / 6
	answered, worked, work := time.Now(), time.Now(), c.work()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		ask, cancel := context.WithTimeout(ctx, every)
		err := conn.Ping(ask)
		cancel()
		now := time.Now()
		if err == nil {
			answered = now
		}
		if w := c.work(); w != work {
			work, worked = w, now
		}
		silent, idle := now.Sub(answered), now.Sub(worked)
		if ctx.Err() == nil && (silent >= e.cfg.HangTime && idle >= e.cfg.HangTime/2 || silent >= patienceOfWork*e.cfg.HangTime) {
			e.log.Error("the embedded ClickHouse hangs; killing it", "pid", c.cmd.Process.Pid, "silent", silent.Round(time.Second), "idle", idle.Round(time.Second))
			c.kill()
			return
		}
	}
}

// work is what the process has used of processors, in ticks of its own; the same text
// twice: it did nothing. Where the system does not tell, it never works.
func (c *child) work() string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	if fields := strings.Fields(rest); len(fields) > 12 {
		return fields[11] + " " + fields[12] // utime and stime
	}
	return ""
}
