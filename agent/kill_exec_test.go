package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"nightjar/secl/policy"
)

// noDisarmers lets a rule of a test kill as often as it likes.
const noDisarmers = ", disable_executable_disarmer: true, disable_container_disarmer: true"

// miners runs a program that writes a file as often as asked, and returns how often it
// was killed, and how many files there are.
func miners(t *testing.T, miner string, times int, args ...string) (killed, wrote int) {
	t.Helper()
	dir := t.TempDir()
	for i := range times {
		c := exec.Command(miner, append(args, filepath.Join(dir, fmt.Sprint(i)))...)
		_ = c.Run()
		if statusOf(c) == syscall.SIGKILL {
			killed++
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return killed, len(files)
}

// TestAMinerIsKilledBeforeItWritesAnything holds the way through the kernel: 200 of 200,
// each with its event, in which bpf_send_signal acted. In a monitoring policy all of
// them write.
func TestAMinerIsKilledBeforeItWritesAnything(t *testing.T) {
	const many = 200
	miner := program(t, t.TempDir(), "xmrig-test", "/bin/touch")
	for _, by := range []string{`exec.file.path == "` + miner + `"`, `exec.file.name == "xmrig-test"`} {
		w := killing(t, policy.Blocking, killRule("miner", by, noDisarmers))
		killed, wrote := miners(t, miner, many)
		w.stop()
		performed := 0
		for _, m := range w.of("miner", 0) {
			r := actions(t, m)[0]
			if r["status"] == "performed" && r["mechanism"] == "bpf_send_signal" && r["exited_at"] != nil {
				performed++
			} else {
				t.Error(r)
			}
		}
		t.Logf("%s: %d of %d killed, %d wrote, %d events", by, killed, many, wrote, performed)
		if killed != many || wrote != 0 || performed != many {
			t.Errorf("%d of %d killed, %d wrote, %d events", killed, many, wrote, performed)
		}
	}
	w := killing(t, policy.Monitoring, killRule("miner", `exec.file.path == "`+miner+`"`, noDisarmers))
	killed, wrote := miners(t, miner, many)
	w.stop()
	if killed != 0 || wrote != many {
		t.Errorf("monitoring: %d killed, %d of %d wrote", killed, wrote, many)
	}
	for _, m := range w.of("miner", 0) {
		if r := actions(t, m)[0]; r["status"] != "would_have_performed" || r["mechanism"] != "bpf_send_signal" {
			t.Error(r)
		}
	}
	if n := len(w.of("miner", 0)); n != many {
		t.Errorf("monitoring: %d events", n)
	}
}
