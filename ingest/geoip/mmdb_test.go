package geoip

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"nightjar/testenv"
)

// writeDatabase writes a small file in the MaxMind DB format, of one version of IP, and
// returns its path.
func writeDatabase(t testing.TB, version int, kind string, networks map[string]record) string {
	t.Helper()
	plain := map[string]map[string]any{}
	for network, r := range networks {
		plain[network] = r
	}
	return testenv.GeoIPDatabase(t, version, kind, plain)
}

// writtenDatabases is a folder of files with the names and the layouts of makers', in
// which London is where it is, and little else.
func writtenDatabases(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	named := func(name string) map[string]any { return map[string]any{"names": map[string]any{"en": name}} }
	country := map[string]any{"iso_code": "GB", "names": map[string]any{"en": "United Kingdom"}}
	london := record{"city": named("London"), "country": country, "location": map[string]any{"latitude": 51.5142, "longitude": -0.0931}}
	towns, cities := map[string]record{}, map[string]record{"::81.2.69.0/120": london, "2001:218::/32": {"country": country}}
	for i := range 200 {
		towns[fmt.Sprintf("::81.2.%d.0/120", i)] = record{"city": fmt.Sprint("Town ", i), "country_code": "FR", "latitude": 45.5 + float64(i)/100, "longitude": 4.5}
		cities[fmt.Sprintf("::89.160.%d.0/120", i)] = record{"city": named(fmt.Sprint("City ", i)), "country": country, "location": map[string]any{"latitude": 50.5, "longitude": float64(i) / 10}}
	}
	for name, f := range map[string]struct {
		kind     string
		networks map[string]record
	}{
		"dbip-city-lite-subset.mmdb":    {"DBIP-City-Lite", towns},
		"GeoIP2-City-Test.mmdb":         {"GeoIP2-City", cities},
		"GeoLite2-City-Test.mmdb":       {"GeoLite2-City", cities},
		"GeoIP2-Country-Test.mmdb":      {"GeoIP2-Country", map[string]record{"::81.2.69.0/120": {"country": country}}},
		"GeoIP2-Anonymous-IP-Test.mmdb": {"GeoIP2-Anonymous-IP", map[string]record{"::81.2.69.0/120": {"is_anonymous": true, "is_anonymous_vpn": true}}},
		"GeoLite2-ASN-Test.mmdb":        {"GeoLite2-ASN", map[string]record{"::1.128.0.0/107": {"autonomous_system_number": uint32(64500), "autonomous_system_organization": "Example"}}},
	} {
		if err := os.Rename(writeDatabase(t, 6, f.kind, f.networks), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
