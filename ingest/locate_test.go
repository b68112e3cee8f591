package ingest

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"
)

// places is a Locator that knows two addresses, and fails on one.
type places struct{}

func (places) Locate(ip netip.Addr) (*fastjson.Value, error) {
	switch ip.Unmap().String() {
	case "198.51.100.7":
		return fastjson.MustParse(`{"city":"Lyon","latitude":45.75}`), nil
	case "2001:db8::7":
		return fastjson.MustParse(`{"city":"Oslo"}`), nil
	case "192.0.2.1":
		return nil, errors.New("the database is damaged")
	}
	return nil, nil
}

func TestClientsAreLocatedWhereverTheirAddressStands(t *testing.T) {
	const lyon = `{"city":"Lyon","latitude":45.75}`
	for _, c := range []struct {
		name, sent, want string
		located          Located
	}{
		{"nested", `{"network":{"client":{"ip":"198.51.100.7","port":1}}}`, `{"network":{"client":{"ip":"198.51.100.7","port":1,"geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"below attributes", `{"attributes":{"network":{"client":{"ip":"198.51.100.7"}}}}`, `{"network":{"client":{"ip":"198.51.100.7","geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"dotted", `{"network.client.ip":"198.51.100.7"}`, `{"network.client.ip":"198.51.100.7","network.client.geoip":` + lyon + `}`, Located{Found: 1}},
		{"dotted below", `{"network":{"client.ip":"198.51.100.7"}}`, `{"network":{"client.ip":"198.51.100.7","client.geoip":` + lyon + `}}`, Located{Found: 1}},
		{"IPv6", `{"network":{"client":{"ip":"2001:DB8:0::7"}}}`, `{"network":{"client":{"ip":"2001:DB8:0::7","geoip":{"city":"Oslo"}}}}`, Located{Found: 1}},
		{"IPv4 in IPv6", `{"network":{"client":{"ip":"::ffff:198.51.100.7"}}}`, `{"network":{"client":{"ip":"::ffff:198.51.100.7","geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"the first of an array that has a place", `{"network":{"client":{"ip":["10.0.0.1","x",7,"198.51.100.7","2001:db8::7"]}}}`, `{"network":{"client":{"ip":["10.0.0.1","x","7","198.51.100.7","2001:db8::7"],"geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"an array of clients", `{"network":{"client":[{"ip":"10.0.0.1"},{"ip":"198.51.100.7"}]}}`, `{"network":{"client":[{"ip":"10.0.0.1"},{"ip":"198.51.100.7","geoip":` + lyon + `}]}}`, Located{Found: 1}},
		{"the last of a key that comes twice", `{"network":{"client":{"ip":"2001:db8::7","ip":"198.51.100.7"}}}`, `{"network":{"client":{"ip":"198.51.100.7","geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"null has no place yet", `{"network":{"client":{"ip":"198.51.100.7","geoip":null}}}`, `{"network":{"client":{"ip":"198.51.100.7","geoip":` + lyon + `}}}`, Located{Found: 1}},
		{"located by the sender", `{"network":{"client":{"ip":"198.51.100.7","geoip":{"city":"Metz"}}}}`, `{"network":{"client":{"ip":"198.51.100.7","geoip":{"city":"Metz"}}}}`, Located{Present: 1}},
		{"located by the sender, dotted", `{"network":{"client":{"ip":"198.51.100.7"}},"network.client":{"geoip":{"city":"Metz"}}}`, `{"network":{"client":{"ip":"198.51.100.7"}},"network.client":{"geoip":{"city":"Metz"}}}`, Located{Present: 1}},
		{"private", `{"network":{"client":{"ip":"10.1.2.3"}}}`, `{"network":{"client":{"ip":"10.1.2.3"}}}`, Located{Unknown: 1}},
		{"no address", `{"network":{"client":{"ip":"bastion"}}}`, `{"network":{"client":{"ip":"bastion"}}}`, Located{Unreadable: 1}},
		{"a number", `{"network":{"client":{"ip":7}}}`, `{"network":{"client":{"ip":"7"}}}`, Located{Unreadable: 1}},
		{"failed", `{"network":{"client":{"ip":"192.0.2.1"}}}`, `{"network":{"client":{"ip":"192.0.2.1"}}}`, Located{Failed: 1}},
		{"no client", `{"network":{"destination":{"ip":"198.51.100.7"}}}`, `{"network":{"destination":{"ip":"198.51.100.7"}}}`, Located{}},
	} {
		d := Decoder{Now: testNow, Locator: places{}}
		events, err := d.JSON([]byte(c.sent))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := strings.ReplaceAll(events[0].JSON, `\u0022`, `"`)
		if got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
		if diff := cmp.Diff(c.located, d.Located); diff != "" {
			t.Errorf("%s: counted (-want +got):\n%s", c.name, diff)
		}
		if c.located.Found == 1 && len(events[0].Lookup("network.client.geoip.city")) != 1 {
			t.Errorf("%s: a search does not find the city", c.name)
		}
	}
}

func TestRawLinesAreLocated(t *testing.T) {
	d := Decoder{Now: testNow, Source: "sshd", Locator: places{}, Pipelines: shipped(t)}
	events, err := d.Lines([]byte("Mar  1 10:00:00 h sshd[1]: Failed password for root from 198.51.100.7 port 22 ssh2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := events[0].Lookup("network.client.geoip.city"); len(got) != 1 || got[0].Text() != "Lyon" {
		t.Errorf("the city is %v in %s", got, events[0].JSON)
	}
}

// BenchmarkLocate is the decoding of events without a Locator, with one that
// knows nothing, and with one that knows their client.
func BenchmarkLocate(b *testing.B) {
	body := benchBody(1000)
	place := fastjson.MustParse(`{"city":"Lyon","country":"FR","latitude":45.75,"longitude":4.85,"city.name":"Lyon","country.iso_code":"FR","country.name":"France","subdivision":{"name":"Auvergne-Rhône-Alpes"}}`)
	var room Decoder
	room.Locator = everywhere{place}
	if _, err := room.JSON(body); err != nil { // unescapes what is shared
		b.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		locator Locator
	}{{"none", nil}, {"unknown", everywhere{nil}}, {"known", everywhere{place}}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := Decoder{Now: testNow, Locator: c.locator}
				if _, err := d.JSON(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/event")
		})
	}
}

type everywhere struct{ place *fastjson.Value }

func (a everywhere) Locate(netip.Addr) (*fastjson.Value, error) { return a.place, nil }
