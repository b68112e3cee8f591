package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAFileOfSeveralProgramsIsSentWhole ships a log in which some lines tell what wrote
// them and others do not: all are stored, and those that nothing is known of are told.
func TestAFileOfSeveralProgramsIsSentWhole(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	path := putFile(t, filepath.Join(t.TempDir(), "auth.log"), []byte(
		"Nov 29 07:40:02 box sshd[22]: Failed password for root from 203.0.113.90 port 51234 ssh2\n"+
			"Nov 29 07:40:03 box polkitd(authority=local): Registered Authentication Agent\n"+
			"Nov 29 07:40:04 box sudo: bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/id\n"+
			"what nobody knows\n"))
	_, stderr, code := p.run("ingest", path)
	if code != exitOK || !strings.Contains(stderr, "4 lines acknowledged") || !strings.Contains(stderr, "of 2 lines, from "+path+":2 on") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	p.caughtUp()
	for query, want := range map[string]uint64{
		"SELECT count() FROM events":                                                        4,
		"SELECT count() FROM events WHERE source = ''":                                      2,
		"SELECT count() FROM events WHERE source = 'sshd' AND attributes.usr.name = 'root'": 1,
		"SELECT count() FROM events WHERE source = 'sudo' AND attributes.usr.name = 'bob'":  1,
	} {
		if n := p.count(query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
