package schema

import "testing"

// BenchmarkParseAttributes reads the attributes of an event of about 570 bytes.
func BenchmarkParseAttributes(b *testing.B) {
	const text = `{"evt":{"name":"login","category":"authentication","outcome":"failure"},"usr":{"id":"user-17231","name":"user-17231"},` +
		`"network":{"client":{"ip":"10.0.17.4","port":40122,"geoip":{"country":"DE","city":"Berlin"}}},` +
		`"http":{"method":"POST","status_code":401,"useragent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},` +
		`"session":{"id":"0123456789abcdef0123456789abcdef"}}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseAttributes(text); err != nil {
			b.Fatal(err)
		}
	}
}
