package server

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"nightjar/api/ruledoc"
	"nightjar/schema"
)

// BenchmarkListRules is a page of 100 rules out of 10,000, over HTTP.
func BenchmarkListRules(b *testing.B) {
	w := newWorld()
	for i := range 10_000 {
		r := schema.Rule{
			ID: schema.NewID(), Version: 1, Name: fmt.Sprintf("rule %d", i), Message: "what to do", IsEnabled: i%2 == 0,
			Tags:    []string{"source:s" + fmt.Sprint(i%20), "team:security", "tactic:TA0001"},
			Queries: []schema.RuleQuery{{Query: "source:x @evt.name:(a OR b)", GroupByFields: []string{"@usr.id"}}},
			Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 5"}},
		}
		ruledoc.Complete(&r)
		w.rules[r.ID] = r
	}
	s := w.start(b)
	for name, query := range map[string]string{
		"all":             "page[size]=100",
		"searched-sorted": "page[size]=100&sort=-name&query=type:log_detection+source:s7+-severity:low",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				req, err := http.NewRequest(http.MethodGet, "http://"+s.HTTPAddr().String()+"/api/v2/security_monitoring/rules?"+query, nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("DD-API-KEY", testKey)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < 10_000 || resp.StatusCode != http.StatusOK {
					b.Fatal(resp.Status, n, err)
				}
				resp.Body.Close()
			}
		})
	}
}
