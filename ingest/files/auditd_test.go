package files

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheRecordsOfAnAuditLogAreJoined has two events whose lines are mixed, as they
// are, packed, and after a line of something else, which makes it another log.
func TestTheRecordsOfAnAuditLogAreJoined(t *testing.T) {
	lines := strings.Split(`type=SYSCALL msg=audit(1700000000.000:1): a=1
type=SYSCALL msg=audit(1700000000.000:2): a=<2>
type=CWD msg=audit(1700000000.000:1): cwd="/"
type=PROCTITLE msg=audit(1700000000.000:2): proctitle="x"
type=PROCTITLE msg=audit(1700000000.000:1): proctitle="y"
type=EOE msg=audit(1700000000.000:2):
type=CWD msg=audit(1700000009.000:3): cwd="/"`, "\n")
	record := func(of ...int) string {
		var texts []string
		for _, i := range of {
			texts = append(texts, strings.ReplaceAll(lines[i], `"`, `\"`))
		}
		return `{"ddsource":"auditd","message":"` + strings.Join(texts, `\n`) + `"}`
	}
	want := []string{record(0, 2, 4), record(1, 3), record(6)}
	log := []byte(strings.Join(lines, "\r\n"))
	for name, content := range map[string][]byte{
		"audit.log": log, "audit.log.gz": packed(t, log, gzipWriter), "a.tar": tarred(t, []string{string(log)}), "bom": append([]byte("\ufeff"), log...),
	} {
		got, _, err := all(t, written(t, name, content), Options{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	if got, _, err := all(t, written(t, "x.log", append([]byte("hello\n"), log...)), Options{}); err != nil || len(got) != 8 || got[0] != "raw hello" {
		t.Errorf("another log: %q %v", got, err)
	}
}
