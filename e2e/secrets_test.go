package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestASecretOfTheOperatorGoesWhereHeSaid, whoever asks, and one of which he said nothing is
// for administrators: when a target or list is written, tried and changed.
func TestASecretOfTheOperatorGoesWhereHeSaid(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, r.URL.Path+" "+r.Header.Get("X-Key"))
		if r.URL.Path == "/soc/redirected" {
			http.Redirect(w, r, "/mallory", http.StatusTemporaryRedirect)
		}
	}))
	defer s.Close()
	p := startEngineWith(t, []string{"NIGHTJAR_SECRET_SOC=Zq7Kf-said", "NIGHTJAR_SECRET_OTHER=Zq7Kf-unsaid"},
		"--outbound-private", "127.0.0.0/8", "--outbound-secret", "soc="+s.URL+"/soc")
	engineer := p.make("keys", map[string]string{"name": "engineer", "role": "engineer"}).Key
	const targets, lists = "/api/nightjar/v1/notification-targets", "/api/nightjar/v1/threat-lists"
	target := func(name, path, secret string) string {
		return `{"name":"` + name + `","type":"webhook","url":"` + s.URL + path + `","headers":{"X-Key":"secret:` + secret + `"}}`
	}
	list := func(name, path, secret string) string {
		return `{"name":"` + name + `","url":"` + s.URL + path + `","headers":{"X-Key":"secret:` + secret + `"},"enabled":false}`
	}
	for _, c := range []struct {
		key, path, body string
		want            int
		says            string
	}{
		{engineer, targets, target("said", "/soc/a", "soc"), 200, ""},
		{engineer, targets, target("elsewhere", "/mallory", "soc"), 400, "--outbound-secret soc=ADDRESS"},
		{p.key, targets, target("elsewhere", "/mallory", "soc"), 400, "--outbound-secret soc=ADDRESS"},
		{engineer, targets, target("unsaid", "/soc/a", "other"), 403, "--outbound-secret other=ADDRESS"},
		{p.key, targets, target("unsaid", "/other", "other"), 200, ""},
		{engineer, lists, list("said", "/soc/a", "soc"), 200, ""},
		{engineer, lists, list("elsewhere", "/mallory", "soc"), 400, "--outbound-secret soc=ADDRESS"},
		{engineer, lists, list("unsaid", "/soc/a", "other"), 403, "--outbound-secret other=ADDRESS"},
		{p.key, lists, list("unsaid", "/other", "other"), 200, ""},
		{engineer, targets + ":test", `{"target":` + target("x", "/mallory", "soc") + `}`, 400, ""},
		{engineer, targets + ":test", `{"target":` + target("x", "/mallory", "other") + `}`, 403, ""},
		{engineer, targets + ":test", `{"target":` + target("unsaid", "/mallory", "other") + `}`, 403, ""}, // the address of what is stored, changed
		{engineer, targets + ":preview", `{"target":` + target("x", "/mallory", "soc") + `}`, 400, ""},
		{engineer, targets + ":preview", `{"target":` + target("x", "/mallory", "other") + `}`, 403, ""},
		{engineer, targets + ":test", `{"target":` + target("x", "/soc/b", "soc") + `}`, 200, `"delivered":true`},
		{engineer, targets + ":test", `{"target":` + target("x", "/soc/redirected", "soc") + `}`, 200, `"delivered":true`},
		{engineer, targets + ":test", `{"target":` + target("unsaid", "/other", "other") + `}`, 200, `"delivered":true`},
	} {
		status, text := p.as(c.key, http.MethodPost, c.path, c.body)
		if status != c.want || !strings.Contains(strings.ReplaceAll(text, ": true", ":true"), c.says) || strings.Contains(text, "Zq7Kf") {
			t.Errorf("%s %s: %d %s; want %d %s", c.path, c.body, status, text, c.want, c.says)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(heard, ", "); got != "/soc/b Zq7Kf-said, /soc/redirected Zq7Kf-said, /mallory , /other Zq7Kf-unsaid" {
		t.Errorf("sent: %s", got)
	}
	if _, text := p.as(p.key, http.MethodGet, "/api/nightjar/v1/audit?limit=100", ""); strings.Count(text, "CreateNotificationTarget") < 10 || strings.Contains(text, "Zq7Kf") {
		t.Errorf("the audit log: %s", text)
	}
}
