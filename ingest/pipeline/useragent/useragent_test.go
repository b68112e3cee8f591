package useragent

import (
	"testing"

	"github.com/valyala/fastjson"
)

// The first four are what the vendor's samples expect of their texts' kinds.
func TestDetails(t *testing.T) {
	for in, want := range map[string]string{
		"Go-http-client/1.1": `{"browser":{"family":"Go-http-client","major":"1","minor":"1"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}`,
		"nonsense":           `{"browser":{"family":"Other"},"os":{"family":"Other"},"device":{"family":"Other","category":"Other"}}`,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Safari/605.1.15": `{"browser":{"family":"Safari","major":"14","minor":"0","patch":"3"},"os":{"family":"Mac OS X","major":"10","minor":"15","patch":"7"},"device":{"family":"Mac","category":"Desktop","brand":"Apple","model":"Mac"}}`,
		"Mozilla/5.0 (compatible; YandexAccessibilityBot/3.0; +http://yandex.com/bots)":                                           `{"browser":{"family":"YandexAccessibilityBot","major":"3","minor":"0"},"os":{"family":"Other"},"device":{"family":"Spider","category":"Bot","brand":"Spider","model":"Desktop"}}`,
	} {
		var arena fastjson.Arena
		for range 2 { // once read, once remembered
			if got := Details(&arena, in).String(); got != want {
				t.Errorf("%s:\n%s, want\n%s", in, got, want)
			}
		}
	}
}

func TestCategories(t *testing.T) {
	for in, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Mobile",
		"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1":          "Tablet",
		"Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36":                   "Mobile",
		"Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Safari/537.36":                          "Tablet",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Safari/537.36":                         "Desktop",
		"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0":                                                                  "Desktop",
		"curl/8.1.2": "Other",
	} {
		if got := Parse(in).Device.Category; got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// What is remembered has a bound.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	for i := range remembered + 10 {
		seen().Add(string(rune('a'+i%26))+string(rune(0x4e00+i)), Agent{})
	}
	if n := seen().Len(); n != remembered {
		t.Errorf("%d texts are remembered", n)
	}
}

func BenchmarkNew(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		parse("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0")
	}
}

func BenchmarkRemembered(b *testing.B) {
	for b.Loop() {
		Parse("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0")
	}
}
