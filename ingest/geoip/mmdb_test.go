package geoip

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// writeDatabase writes a small file in the MaxMind DB format 2.0, of one version
// of IP, and returns its path. Networks must not lie in each other.
func writeDatabase(t testing.TB, version int, kind string, networks map[string]record) string {
	t.Helper()
	tree, data := [][2]int{{}}, []byte{}
	const leaf = 1 << 30 // plus where the record stands in the data, plus one
	for text, r := range networks {
		prefix := netip.MustParsePrefix(text)
		bits := prefix.Addr().AsSlice()
		node := 0
		for i := range prefix.Bits() {
			side := int(bits[i/8]>>(7-i%8)) & 1
			if i == prefix.Bits()-1 {
				tree[node][side] = leaf + 1 + len(data)
				break
			}
			if tree[node][side] == 0 {
				tree = append(tree, [2]int{})
				tree[node][side] = len(tree) - 1
			}
			node = tree[node][side]
		}
		data = appendValue(data, map[string]any(r))
	}
	var file []byte
	for _, node := range tree {
		for _, next := range node {
			switch {
			case next == 0:
				next = len(tree) // nothing is known
			case next >= leaf:
				next = next - leaf - 1 + len(tree) + 16
			}
			file = binary.BigEndian.AppendUint32(file, uint32(next))
		}
	}
	file = append(append(file, make([]byte, 16)...), data...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	file = appendValue(file, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1_700_000_000),
		"database_type": kind, "description": map[string]any{}, "ip_version": uint16(version), "languages": []any{},
		"node_count": uint32(len(tree)), "record_size": uint16(32),
	})
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// appendValue writes a value of the format's data section. Sizes are below 29.
func appendValue(b []byte, v any) []byte {
	extended := func(kind, size int) []byte { return append(b, byte(size), byte(kind-7)) }
	switch v := v.(type) {
	case string:
		if len(v) >= 29 {
			b = append(b, 2<<5|29, byte(len(v)-29))
		} else {
			b = append(b, 2<<5|byte(len(v)))
		}
		return append(b, v...)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 3<<5|8), math.Float64bits(v))
	case float32:
		return binary.BigEndian.AppendUint32(extended(15, 4), math.Float32bits(v))
	case uint16:
		return binary.BigEndian.AppendUint16(append(b, 5<<5|2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(append(b, 6<<5|4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(extended(9, 8), v)
	case map[string]any:
		b = append(b, 7<<5|byte(len(v)))
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			b = appendValue(appendValue(b, k), v[k])
		}
		return b
	case bool:
		if v {
			return extended(14, 1)
		}
		return extended(14, 0)
	case []any:
		b = extended(11, len(v))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	}
	panic("no such type in the format")
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
