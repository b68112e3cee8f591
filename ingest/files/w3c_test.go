package files

import (
	"testing"
)

// TestALogOfW3CIsReadByTheFieldsThatItsDirectivesName reads one whose fields change midway,
// as they do when somebody changes them; a line that does not fit stays what it is.
func TestALogOfW3CIsReadByTheFieldsThatItsDirectivesName(t *testing.T) {
	log := []byte("#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip cs-method\n2026-03-01 10:00:00 192.0.2.7 GET\nstray\n#Fields: c-ip sc-status\n192.0.2.8 404\n")
	for name, content := range map[string][]byte{"u_ex260301.log": log, "u_ex260301.log.gz": packed(t, log, gzipWriter)} {
		got, _, err := all(t, written(t, name, content), Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			`{"message":"2026-03-01 10:00:00 192.0.2.7 GET","c-ip":"192.0.2.7","cs-method":"GET","@timestamp":"2026-03-01T10:00:00Z"}`,
			"raw stray",
			`{"message":"192.0.2.8 404","c-ip":"192.0.2.8","sc-status":"404"}`,
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
