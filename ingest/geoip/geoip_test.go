package geoip

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"

	"nightjar/schema"
	"nightjar/testenv"
)

// ofBoth runs a test with databases that were written for it, which a clone has, and
// with those of makers where they lie.
func ofBoth(t *testing.T, test func(t *testing.T, root string)) {
	t.Run("written", func(t *testing.T) { test(t, writtenDatabases(t)) })
	t.Run("shared", func(t *testing.T) { test(t, testenv.Shared(t, "data/geoip")) })
}

func open(t testing.TB, root string, names ...string) *Databases {
	t.Helper()
	var paths []string
	for _, n := range names {
		paths = append(paths, filepath.Join(root, n))
	}
	d, err := Open(t.TempDir(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// located is what a search sees of the place of an address.
func located(t testing.TB, d *Databases, ip string) schema.Attributes {
	t.Helper()
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Locate(addr)
	if err != nil {
		t.Fatalf("%s: %v", ip, err)
	}
	if v == nil {
		return schema.Attributes{}
	}
	a, _ := schema.NewAttributes([]schema.Pair{{Key: "g", Value: v}})
	return a
}

func text(a schema.Attributes, path string) string {
	if l := a.Lookup("g." + path); len(l) > 0 {
		return l[0].Text()
	}
	return ""
}

func number(a schema.Attributes, path string) float64 {
	if l := a.Lookup("g." + path); len(l) > 0 {
		n, _ := l[0].Number()
		return n
	}
	return 0
}

func TestFlatRecordsGiveTheExpectedPlaces(t *testing.T) {
	d := open(t, testenv.Shared(t, "data/geoip"), "dbip-city-lite-subset.mmdb")
	file, err := os.Open(testenv.Shared(t, "data/geoip/dbip_subset_lookups.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		var want struct {
			IP, City, State1    string
			Country             string `json:"country_code"`
			Latitude, Longitude float64
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		a := located(t, d, want.IP)
		for path, value := range map[string]string{
			"city": want.City, "city.name": want.City, "country": want.Country, "country.iso_code": want.Country, "subdivision.name": want.State1,
		} {
			if got := text(a, path); got != value {
				t.Errorf("%s: %s is %q, want %q", want.IP, path, got, value)
			}
		}
		if number(a, "latitude") != want.Latitude || number(a, "longitude") != want.Longitude {
			t.Errorf("%s: at %v, %v, want %v, %v", want.IP, number(a, "latitude"), number(a, "longitude"), want.Latitude, want.Longitude)
		}
	}
	if n < 4000 {
		t.Errorf("only %d lookups", n)
	}
}

// source is a record as the sources of MaxMind's test databases have it.
type source struct {
	City         struct{ Names map[string]string }
	Continent    struct{ Code string }
	Subdivisions []struct {
		ISO   string `json:"iso_code"`
		Names map[string]string
	}
	Country struct {
		ISO   string `json:"iso_code"`
		Names map[string]string
	}
	Location struct {
		Latitude, Longitude *float64
		Zone                string `json:"time_zone"`
	}
	Postal struct{ Code string }
	ASN    uint64 `json:"autonomous_system_number"`
	ASOrg  string `json:"autonomous_system_organization"`
	ISP    string
	Org    string          `json:"organization"`
	Tor    bool            `json:"is_tor_exit_node"`
	VPN    bool            `json:"is_anonymous_vpn"`
	Traits map[string]any  `json:"traits"`
	Rest   json.RawMessage `json:"-"`
}

// TestNestedRecordsGiveThePlacesOfTheirSources looks up the first address of
// every network of the sources.
func TestNestedRecordsGiveThePlacesOfTheirSources(t *testing.T) {
	for name, least := range map[string]int{
		"GeoIP2-City-Test": 240, "GeoIP2-Country-Test": 300, "GeoIP2-ISP-Test": 2000, "GeoIP2-Anonymous-IP-Test": 10, "GeoLite2-ASN-Test": 300, "GeoLite2-City-Test": 200,
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, testenv.Shared(t, "data/geoip"), name+".mmdb")
			checked := 0
			for _, n := range readSource(t, name) {
				ip := n.prefix.Addr()
				if n.overlaid {
					continue // another network of the source lies over its beginning
				}
				checked++
				a, want := located(t, d, ip.String()), n.record
				expect := map[string]string{
					"city": want.City.Names["en"], "country.iso_code": want.Country.ISO, "country.name": want.Country.Names["en"],
					"continent.code": want.Continent.Code, "timezone": want.Location.Zone, "postal_code": want.Postal.Code,
					"as.name": want.ASOrg, "isp": want.ISP, "organization": want.Org,
				}
				if want.ASN > 0 {
					expect["as.number"] = "AS" + strconv.FormatUint(want.ASN, 10)
				}
				if len(want.Subdivisions) > 0 {
					expect["subdivision.name"] = want.Subdivisions[0].Names["en"]
					expect["subdivision.iso_code"] = want.Country.ISO + "-" + want.Subdivisions[0].ISO
				}
				if want.Tor {
					expect["traits.is_tor_exit_node"] = "true"
				}
				if want.VPN {
					expect["traits.is_anonymous_vpn"] = "true"
				}
				for path, value := range expect {
					if got := text(a, path); got != value {
						t.Errorf("%s: %s is %q, want %q", n.prefix, path, got, value)
					}
				}
				if l := want.Location; l.Latitude != nil && (number(a, "latitude") != *l.Latitude || number(a, "longitude") != *l.Longitude) {
					t.Errorf("%s: at %v, %v, want %v, %v", n.prefix, number(a, "latitude"), number(a, "longitude"), *l.Latitude, *l.Longitude)
				}
			}
			if checked < least {
				t.Errorf("checked %d networks, want at least %d", checked, least)
			}
		})
	}
}

type network struct {
	prefix   netip.Prefix
	record   source
	overlaid bool
}

func readSource(t *testing.T, name string) []network {
	t.Helper()
	body, err := os.ReadFile(testenv.Shared(t, "data/geoip/"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]source
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatal(err)
	}
	var out []network
	for _, one := range list {
		for text, record := range one {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, network{prefix: asIPv4(prefix), record: record})
		}
	}
	for i := range out {
		for j := range out {
			if i != j && out[j].prefix.Contains(out[i].prefix.Addr()) && (out[j].prefix.Bits() > out[i].prefix.Bits() || out[j].prefix == out[i].prefix) {
				out[i].overlaid = true
			}
		}
	}
	return out
}

// asIPv4 reads ::1.2.3.4/120 as 1.2.3.0/24, where the database has it.
func asIPv4(p netip.Prefix) netip.Prefix {
	if b := p.Addr().As16(); p.Addr().Is6() && p.Bits() >= 96 && bytes.Equal(b[:12], make([]byte, 12)) {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[12:])), p.Bits()-96)
	}
	return p
}

func TestSeveralDatabasesAreOnePlaceAndOneNetwork(t *testing.T) { ofBoth(t, severalAreOne) }

func severalAreOne(t *testing.T, root string) {
	const ip = "81.2.69.142" // of London in the one, of nobody in the other
	d := open(t, root, "GeoIP2-Country-Test.mmdb", "GeoIP2-City-Test.mmdb", "GeoIP2-Anonymous-IP-Test.mmdb", "GeoLite2-ASN-Test.mmdb")
	a := located(t, d, ip)
	if text(a, "city") != "London" || text(a, "country") != "GB" || number(a, "latitude") == 0 || text(a, "traits.is_anonymous_vpn") != "true" {
		t.Errorf("got %s: want the city's coordinates though the country stands first, and the anonymity", a.JSON)
	}
	if got := located(t, open(t, root, "GeoIP2-Country-Test.mmdb"), ip); text(got, "country") != "GB" || text(got, "city") != "" {
		t.Errorf("got %s of a database of countries", got.JSON)
	}
	if got := located(t, d, "10.1.2.3"); got.JSON != "" {
		t.Errorf("a private address is at %s", got.JSON)
	}
}

func TestFilesOfNoUseAreSaidAtOnce(t *testing.T) { ofBoth(t, filesOfNoUse) }

func filesOfNoUse(t *testing.T, root string) {
	dir := t.TempDir()
	whole, err := os.ReadFile(filepath.Join(root, "dbip-city-lite-subset.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"missing.mmdb": {nil, "no such file"},
		"text.mmdb":    {[]byte("city,country\n"), "not a MaxMind DB file"},
		"empty.mmdb":   {[]byte{}, "not a MaxMind DB file"},
		"cut.mmdb":     {whole[:len(whole)/2], "not a MaxMind DB file"},
		"zeros.mmdb":   {append(make([]byte, len(whole)-400), whole[len(whole)-400:]...), "records"},
	} {
		path := filepath.Join(dir, name)
		if c.content != nil {
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(dir, path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error with the path and %q", name, err, c.want)
		}
	}
	if _, err := Open(dir, dir); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: got %v", err)
	}
}

// TestFilesAreReplacedUnderReaders writes over a file in place, cuts it off and
// puts others in its place, while others look up: they see one database or the
// other, and never a part of one.
func TestFilesAreReplacedUnderReaders(t *testing.T) { ofBoth(t, replacedUnderReaders) }

func replacedUnderReaders(t *testing.T, root string) {
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	dbip, maxmind := read("dbip-city-lite-subset.mmdb"), read("GeoIP2-City-Test.mmdb")
	path := filepath.Join(t.TempDir(), "city.mmdb")
	write := func(content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(dbip)
	d, err := Open(t.TempDir(), path)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				v, err := d.Locate(netip.AddrFrom4([4]byte{81, 2, byte(i), byte(i >> 8)}))
				if err != nil {
					t.Error(err)
					return
				}
				if v != nil {
					schema.NewAttributes([]schema.Pair{{Key: "g", Value: v}})
				}
			}
		})
	}
	for range 20 {
		write(maxmind)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := text(located(t, d, "81.2.69.142"), "city"); got != "London" {
			t.Fatalf("after the replacement the city is %q", got)
		}
		write(dbip[:len(dbip)/3])
		if err := d.Reload(); err == nil {
			t.Fatal("a part of a file was taken for one")
		}
		if got := text(located(t, d, "81.2.69.142"), "city"); got != "London" {
			t.Fatalf("after a failed replacement the city is %q", got)
		}
		write(dbip)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
}

func TestChangedFilesAreReadAnewOnce(t *testing.T) { ofBoth(t, changedAreReadAnew) }

func changedAreReadAnew(t *testing.T, root string) {
	content, err := os.ReadFile(filepath.Join(root, "GeoIP2-City-Test.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "city.mmdb")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.TempDir(), path)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 100)
	go d.Watch(t.Context(), time.Millisecond, func(err error) { told <- err })
	for i := range 3 {
		broken := i == 1
		next := content
		if broken {
			next = content[:1000]
		}
		if err := os.WriteFile(path+".new", next, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if err := <-told; (err != nil) != broken {
			t.Errorf("replacement %d: told %v", i, err)
		}
	}
	time.Sleep(20 * time.Millisecond)
	if len(told) > 0 {
		t.Errorf("%d reloads more than there were changes", len(told))
	}
}

func TestMakersAreCreditedAsTheyAsk(t *testing.T) { ofBoth(t, makersAreCredited) }

func makersAreCredited(t *testing.T, root string) {
	for name, want := range map[string]string{
		"dbip-city-lite-subset.mmdb": creditDBIP, "GeoLite2-City-Test.mmdb": creditGeoLite, "GeoIP2-City-Test.mmdb": "",
	} {
		var wants []string
		if want != "" {
			wants = []string{want}
		}
		if diff := cmp.Diff(wants, open(t, root, name, name).Attributions()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLayoutsOfOthersAreRead holds the names that flat databases use.
func TestLayoutsOfOthersAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		record record
		want   string
	}{
		"texts": {
			record{"city": "Lyon", "country": "FR", "country_name": "France", "lat": "45.75", "lng": "4.85", "region": "Rhône", "asn": "AS64500", "as_name": "Example", "as_domain": "example.net"},
			`{"city":"Lyon","country":"FR","latitude":45.75,"longitude":4.85,"city.name":"Lyon","country.iso_code":"FR","country.name":"France","subdivision":{"name":"Rhône"},"as":{"number":"AS64500","name":"Example","domain":"example.net"}}`,
		},
		"short floats keep their digits": {
			record{"country_code": "fr", "latitude": float32(45.7512), "longitude": float32(4.85)},
			`{"country":"FR","latitude":45.7512,"longitude":4.85,"country.iso_code":"FR","country.name":"France"}`,
		},
		"nobody's":          {record{"country_code": "ZZ", "latitude": 0.0, "longitude": 0.0}, ``},
		"beyond the poles":  {record{"country_code": "FR", "latitude": 95.0, "longitude": 0.0}, `{"country":"FR","country.iso_code":"FR","country.name":"France"}`},
		"of another kind":   {record{"country": 7, "city": []any{"x"}, "latitude": map[string]any{}}, ``},
		"a long country":    {record{"country": "Atlantis"}, ``},
		"no such country":   {record{"country_code": "XQ"}, `{"country":"XQ","country.iso_code":"XQ"}`},
		"quotes in a name":  {record{"country_code": "FR", "city": `L"yo\n`}, `{"city":"L\u0022yo\\n","country":"FR","city.name":"L\u0022yo\\n","country.iso_code":"FR","country.name":"France"}`},
		"a list as its map": {record{"subdivisions": "x", "country_code": "FR"}, `{"country":"FR","country.iso_code":"FR","country.name":"France"}`},
	} {
		got := ""
		if v := describe([]record{c.record}); v != nil {
			a, _ := schema.NewAttributes(schema.Pairs(v.GetObject()))
			got = a.JSON
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(`{"city":{"names":{"en":"Lyon"}},"location":{"latitude":1e3,"longitude":"x"},"subdivisions":[{"names":{"en":"R"}}],"country":{"iso_code":"FR"}}`)
	f.Add(`{"country_code":"ZZ","latitude":"NaN","asn":12}`)
	f.Fuzz(func(t *testing.T, body string) {
		var r record
		if json.Unmarshal([]byte(body), &r) != nil {
			return
		}
		if v := describe([]record{r, r}); v != nil && v.Type() != fastjson.TypeObject {
			t.Errorf("got %s", v)
		}
	})
}

// BenchmarkLocate looks up addresses of many places, remembered and not.
func BenchmarkLocate(b *testing.B) {
	for _, remembered := range []bool{true, false} {
		b.Run(fmt.Sprintf("remembered=%t", remembered), func(b *testing.B) {
			d := open(b, testenv.Shared(b, "data/geoip"), "dbip-city-lite-subset.mmdb")
			ips := make([]netip.Addr, 0, 5000)
			for result := range d.current.Load().files[0].reader.Networks() {
				ips = append(ips, result.Prefix().Addr().Unmap())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !remembered {
					clear(d.current.Load().places)
				}
				if _, err := d.Locate(ips[i%len(ips)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestFilesOfOneVersionOfIPGoTogether has a file that knows only IPv4 beside one
// that knows only IPv6, as DB-IP has them.
func TestFilesOfOneVersionOfIPGoTogether(t *testing.T) {
	four := writeDatabase(t, 4, "city ipv4", map[string]record{"198.51.100.0/24": {"city": "Lyon", "country_code": "FR", "latitude": float32(45.7512), "longitude": float32(4.85)}})
	six := writeDatabase(t, 6, "city ipv6", map[string]record{"2001:db8::/32": {"city": "Oslo", "country_code": "NO", "latitude": 59.9, "longitude": 10.75}})
	for _, order := range [][]string{{four, six}, {six, four}} {
		d, err := Open(t.TempDir(), order...)
		if err != nil {
			t.Fatal(err)
		}
		for ip, want := range map[string]string{
			"198.51.100.9": "Lyon", "::ffff:198.51.100.9": "Lyon", "2001:db8:1::1": "Oslo", "fe80::1%eth0": "", "198.51.101.1": "", "2001:db9::1": "",
		} {
			if got := text(located(t, d, ip), "city"); got != want {
				t.Errorf("%s is in %q, want %q", ip, got, want)
			}
		}
		if got := number(located(t, d, "198.51.100.9"), "latitude"); got != 45.7512 {
			t.Errorf("the latitude is %v, want the digits of the short float", got)
		}
		if diff := cmp.Diff([]string{creditDBIP}, d.Attributions()); diff != "" {
			t.Errorf("credits (-want +got):\n%s", diff)
		}
	}
}

// TestDamagedFilesGiveErrors flips bytes of a database: it is refused, or some
// addresses are not found or give an error, and nothing worse.
func TestDamagedFilesGiveErrors(t *testing.T) { ofBoth(t, damagedGiveErrors) }

func damagedGiveErrors(t *testing.T, root string) {
	whole, err := os.ReadFile(filepath.Join(root, "GeoIP2-City-Test.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.mmdb")
	random := rand.New(rand.NewPCG(5, 5))
	refused, failed := 0, 0
	for range 300 {
		damaged := bytes.Clone(whole)
		for range 1 + random.IntN(200) {
			damaged[random.IntN(len(damaged))] = byte(random.Uint32())
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.TempDir(), path)
		if err != nil {
			refused++
			continue
		}
		for _, ip := range []string{"81.2.69.142", "2.125.160.216", "89.160.20.112", "2001:218::1", "216.160.83.56", "::1", "10.0.0.1"} {
			if _, err := d.Locate(netip.MustParseAddr(ip)); err != nil {
				failed++
			}
		}
	}
	if refused == 0 || failed == 0 {
		t.Errorf("%d files were refused and %d look-ups failed: too little was damaged", refused, failed)
	}
}
