package testenv

import (
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// GeoIPDatabase writes a small file in the MaxMind DB format 2.0, of one version
// of IP, and returns its path. Networks must not lie in each other.
func GeoIPDatabase(t testing.TB, version int, kind string, networks map[string]map[string]any) string {
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
		data = appendGeoIPValue(data, r)
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
	file = appendGeoIPValue(file, map[string]any{
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

// appendGeoIPValue writes a value of the format's data section. Sizes are below 29.
func appendGeoIPValue(b []byte, v any) []byte {
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
			b = appendGeoIPValue(appendGeoIPValue(b, k), v[k])
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
			b = appendGeoIPValue(b, e)
		}
		return b
	}
	panic("no such type in the format")
}
