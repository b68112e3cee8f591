package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nightjar/testenv"
)

// known is what the API knows of an entity.
type known struct {
	Query           string
	Events, Signals struct {
		Total, First, Last int64
		Facets             []struct {
			Facet  string
			Values []struct {
				Value string
				Count int64
			}
		}
	}
	ReferenceTables []string `json:"reference_tables"`
	Place           *struct {
		City, Country       string
		CountryCode         string `json:"country_code"`
		Latitude, Longitude *float64
		ASNumber            string `json:"as_number"`
		ASName              string `json:"as_name"`
		Attributions        []string
	}
}

// TestWhatIsKnownOfAnEntityIsWhatItsEventsSay asks of an address that a GeoIP database knows,
// of one that none knows, and of a user.
func TestWhatIsKnownOfAnEntityIsWhatItsEventsSay(t *testing.T) {
	t.Parallel()
	cities := testenv.GeoIPDatabase(t, 4, "DBIP-City-Lite", map[string]map[string]any{"203.0.113.0/24": {"city": "Amsterdam", "country_code": "NL", "latitude": 52.37, "longitude": 4.9}})
	networks := testenv.GeoIPDatabase(t, 4, "GeoLite2-ASN", map[string]map[string]any{"203.0.113.0/24": {"autonomous_system_number": uint32(64501), "autonomous_system_organization": "Example Hosting"}})
	p := startEngine(t, append([]string{"--geoip", cities, "--geoip", networks}, longAgo...)...)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"failed","message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600},
		"queries":[{"name":"failed","query":"source:sshd","aggregation":"count","groupByFields":["@network.client.ip"]}],"cases":[{"status":"high","condition":"failed >= 3"}]}`), nil)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, user := range []string{"root", "root", "root", "admin"} {
		body := fmt.Sprintf(`[{"ddsource":"sshd","service":"sshd","hostname":"host-%d","timestamp":%d,"message":"m","usr":{"id":%q},"network":{"client":{"ip":"203.0.113.66"}}}]`, i%2, start.Add(time.Duration(i)*time.Minute).UnixMilli(), user)
		p.call(http.MethodPost, "/api/v2/logs", []byte(body), nil)
	}
	p.caughtUp()
	ask := func(field, value string) (out known) {
		query := url.Values{"field": {field}, "value": {value}, "from": {fmt.Sprint(start.UnixMilli())}, "to": {fmt.Sprint(start.Add(time.Hour).UnixMilli())}}
		p.call(http.MethodGet, "/api/nightjar/v1/entity?"+query.Encode(), nil, &out)
		return out
	}
	facet := func(k known, name string) string {
		for _, f := range k.Events.Facets {
			if f.Facet == name {
				return fmt.Sprint(f.Values)
			}
		}
		return "none"
	}

	address := ask("@network.client.ip", "203.0.113.66")
	if e := address.Events; e.Total != 4 || e.First != start.UnixMilli() || e.Last != start.Add(3*time.Minute).UnixMilli() || address.Signals.Total != 1 {
		t.Errorf("events %+v, %d signals", e, address.Signals.Total)
	}
	for name, want := range map[string]string{"host": "[{host-0 2} {host-1 2}]", "@usr.id": "[{root 3} {admin 1}]", "service": "[{sshd 4}]", "@network.client.ip": "none"} {
		if got := facet(address, name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	at := address.Place
	if at == nil || at.City != "Amsterdam" || at.Country != "Netherlands" || at.CountryCode != "NL" || at.Latitude == nil || *at.Latitude != 52.37 || *at.Longitude != 4.9 || at.ASNumber != "AS64501" || at.ASName != "Example Hosting" || len(at.Attributions) == 0 {
		t.Errorf("place: %+v", at)
	}
	if other := ask("@network.client.ip", "198.51.100.1"); other.Place != nil || other.Events.Total != 0 {
		t.Errorf("of an address that nobody knows: %+v", other)
	}
	user := ask("@usr.id", "root")
	if user.Place != nil || user.Events.Total != 3 || facet(user, "@network.client.ip") != "[{203.0.113.66 3}]" || facet(user, "@usr.id") != "none" {
		t.Errorf("of a user: %+v", user)
	}

	var over struct {
		From, To, Total int64
		Interval        string
		Partial         bool
		CountedFrom     *int64 `json:"counted_from"`
	}
	p.call(http.MethodPost, "/api/nightjar/v1/events/histogram", []byte(`{"filter":{"query":"source:sshd","from":"0"},"within_ms":20000}`), &over)
	if over.From != start.UnixMilli() || over.To <= over.From || over.Total != 4 || over.Partial || over.CountedFrom != nil || over.Interval == "52w" {
		t.Errorf("over all time: %+v", over)
	}
	for _, path := range []string{"events/histogram", "events/facets", "search/complete"} {
		if status, said := p.as(p.key, http.MethodPost, "/api/nightjar/v1/"+path, `{"filter":{"query":"*"},"within_ms":0}`); status != 400 || !strings.Contains(said, "within_ms") {
			t.Errorf("%s within no time: %d %s", path, status, said)
		}
	}
}
