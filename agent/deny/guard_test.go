package deny

import (
	"os"
	"slices"
	"testing"
)

func TestAHostSaysWhatItCanDeny(t *testing.T) {
	needEBPF(t)
	files := []string{ByLSM, ByFanotify}
	if os.Getenv("REQUIRE_BPF_LSM") != "" {
		files = files[:1]
	}
	got := Abilities()
	for what, want := range map[string][]string{"exec": files, "open": files, "connect": {ByLSM, ByCGroup}, "network_filter": {ByCGroup}} {
		if !slices.Contains(want, got[what]) {
			t.Errorf("%s by %q, want one of %v", what, got[what], want)
		}
	}
}
