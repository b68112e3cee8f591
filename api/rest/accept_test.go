package rest

import "testing"

// TestWhoTakesHTML reads Accept as HTTP has it.
func TestWhoTakesHTML(t *testing.T) {
	for accept, want := range map[string]bool{
		"": true, "text/html": true, "*/*": true, "text/html,application/xhtml+xml,*/*;q=0.8": true, "application/json, text/*": true,
		"application/json": false, "application/vnd.elasticsearch+json; compatible-with=8,text/plain": false, "text/html;q=0, application/json": false, "nonsense": false,
	} {
		var header []string
		if accept != "" {
			header = []string{accept}
		}
		if got := takesHTML(header); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}
