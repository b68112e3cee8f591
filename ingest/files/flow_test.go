package files

import (
	"testing"
)

// TestAFlowLogIsReadByTheFieldsThatItNames reads one whose fields stand in an order of its
// own; a line that does not fit stays what it is.
func TestAFlowLogIsReadByTheFieldsThatItNames(t *testing.T) {
	log := []byte("dstaddr srcaddr action log-status\n10.0.0.9 203.0.113.7 REJECT OK\nstray\n- - - NODATA\n")
	for name, content := range map[string][]byte{"flow.log": log, "flow.log.gz": packed(t, log, gzipWriter)} {
		got, _, err := all(t, written(t, name, content), Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			`{"message":"10.0.0.9 203.0.113.7 REJECT OK","dstaddr":"10.0.0.9","srcaddr":"203.0.113.7","action":"REJECT","log-status":"OK"}`,
			"raw stray",
			`{"message":"- - - NODATA","log-status":"NODATA"}`,
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %q", name, got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: record %d is %s, want %s", name, i, got[i], want[i])
			}
		}
	}
}
