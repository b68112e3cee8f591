package intel

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// shown are indicators as a text, in their order.
func shown(all []Indicator) string {
	var out []string
	for _, i := range all {
		text := string(i.Type) + " " + i.Value
		if i.Category != "" || i.Intention != "" {
			text += " (" + i.Category + " " + i.Intention + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestListsInEveryForm(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, format, text, want, skipped string }{
		{"lines", "auto", "# bad\n203.0.113.7\n\n198.51.100.0/24 # a network\nEvil.Example.\nhxxp://evil[.]example/a\nd41d8cd98f00b204e9800998ecf8427e\nwhat is this\n",
			"IP 203.0.113.7; IP 198.51.100.0/24; DOMAIN evil.example; URL http://evil.example/a; HASH d41d8cd98f00b204e9800998ecf8427e", "can't be read 1"},
		{"a file of hosts", "auto", "127.0.0.1 localhost\n0.0.0.0 ads.example\n0.0.0.0 0.0.0.0\n", "DOMAIN ads.example; IP 0.0.0.0", "names of the host itself 1"},
		{"a table", "auto", "ip,category,intention\n203.0.113.7,tor,Suspicious\n::ffff:203.0.113.8,scanner,\n", "IP 203.0.113.7 (tor suspicious); IP 203.0.113.8 (scanner )", ""},
		{"a table with semicolons", "auto", "ioc;ioc_type\nevil.example;domain\n", "DOMAIN evil.example", ""},
		{"a table without a header", "csv", "203.0.113.7,8\n203.0.113.9,10\n", "IP 203.0.113.7; IP 203.0.113.9", ""},
		{"no such intention", "csv", "ip,intention\n203.0.113.7,bad\n", "", "can't be read 1"},
		{"an event of MISP", "auto", `{"Event":{"info":"campaign","Attribute":[
			{"type":"ip-dst|port","value":"203.0.113.7|443","to_ids":true},{"type":"domain","value":"evil.example","to_ids":false},
			{"type":"email-src","value":"a@evil.example"},{"type":"sha1","value":"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709","to_ids":"1"}],
			"Object":[{"Attribute":[{"type":"filename|md5","value":"a.exe|d41d8cd98f00b204e9800998ecf8427e","to_ids":true}]}]}}`,
			"IP 203.0.113.7; HASH da39a3ee5e6b4b0d3255bfef95601890afd80709; HASH d41d8cd98f00b204e9800998ecf8427e", "not for detection (to_ids) 1, type email-src 1"},
		{"a search of MISP", "auto", `{"response":{"Attribute":[{"type":"url","value":"https://EVIL.example:443/x#y"}]}}`, "URL https://evil.example/x", ""},
		{"events of MISP", "misp", `{"response":[{"Event":{"Attribute":[{"type":"hostname","value":"a.evil.example"}]}},{"Event":{"Attribute":[{"type":"hostname","value":"a.evil.example"}]}}]}`, "DOMAIN a.evil.example", "twice 1"},
		{"a warning list", "auto", `{"list":["203.0.113.0/25","dns.example"],"type":"cidr"}`, "IP 203.0.113.0/25; DOMAIN dns.example", ""},
		{"STIX", "auto", `{"type":"bundle","objects":[
			{"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '203.0.113.7']","indicator_types":["malicious-activity"]},
			{"type":"indicator","pattern":"[domain-name:value IN ('a.example','b.example')] OR [url:value='http://a.example/it\\'s']","indicator_types":["anomalous-activity"]},
			{"type":"indicator","pattern":"[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' OR file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"},
			{"type":"indicator","pattern":"[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
			{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.8' AND domain-name:value = 'c.example']"},
			{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [domain-name:value = 'c.example']"},
			{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.10']","valid_until":"2025-12-31T00:00:00Z"},
			{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.11']","revoked":true},
			{"type":"indicator","pattern":"alert tcp any","pattern_type":"snort"},
			{"type":"indicator","pattern":"[process:pid = 5 OR domain-name:value LIKE '%.example']"},
			{"type":"indicator","pattern":"[ipv4-addr:value 203.0.113.12]"},
			{"type":"malware","name":"x"}]}`,
			"IP 203.0.113.7 (attack malicious); DOMAIN a.example ( suspicious); DOMAIN b.example ( suspicious); URL http://a.example/it's ( suspicious); " +
				"HASH e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855; HASH d41d8cd98f00b204e9800998ecf8427e; IP 198.51.100.0/24",
			"can't be read 1, expired 1, objects of type malware 1, patterns about domain-name:value 1, patterns about process:pid 1, patterns of type snort 1, patterns that want several things 2, revoked 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, report, err := Read(c.format, []byte(c.text), Defaults{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			var skipped []string
			for why, n := range report.Skipped {
				skipped = append(skipped, fmt.Sprint(why, " ", n))
			}
			slices.Sort(skipped)
			if shown(got) != c.want || strings.Join(skipped, ", ") != c.skipped {
				t.Errorf("got  %s, skipped %q %q\nwant %s, skipped %q", shown(got), skipped, report.Problems, c.want, c.skipped)
			}
		})
	}
}

func event(t *testing.T, attributes string) *schema.Event {
	t.Helper()
	a, err := schema.ParseAttributes(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return &schema.Event{Attributes: a}
}

func TestEventsAreMarkedWhereverTheStandardAttributesHoldAnIndicator(t *testing.T) {
	all, _, err := Read("list", []byte("203.0.113.7\n203.0.113.0/24\n2001:db8::/32\nevil.example\nhttp://other.example/a?b=c\nd41d8cd98f00b204e9800998ecf8427e\n"), Defaults{Category: "malware", Intention: "malicious", Source: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	x := NewIndex(all)
	for attributes, want := range map[string]string{
		`{"network":{"client":{"ip":"203.0.113.7"}}}`:                                             "203.0.113.7 network.client.ip, 203.0.113.0/24 network.client.ip",
		`{"network":{"client":{"ip":["192.0.2.1","::ffff:203.0.113.9"]}}}`:                        "203.0.113.0/24 network.client.ip",
		`{"network":{"destination":{"ip":"2001:db8::1%eth0"}}}`:                                   "2001:db8::/32 network.destination.ip",
		`{"dns":{"question":{"name":"A.B.Evil.Example."}}}`:                                       "evil.example dns.question.name",
		`{"dns":{"question":{"name":"notevil.example"}}}`:                                         "",
		`{"dns":{"answer":{"name":["x.example","203.0.113.20"]}}}`:                                "203.0.113.0/24 dns.answer.name",
		`{"http":{"url":"https://www.evil.example:8443/x"}}`:                                      "evil.example http.url",
		`{"http":{"url":"HTTP://Other.example:80/a?b=c#d"}}`:                                      "http://other.example/a?b=c http.url",
		`{"http":{"url":"http://other.example/a"}}`:                                               "",
		`{"http":{"url":"/a?evil.example"}}`:                                                      "",
		`{"http":{"url_details":{"host":"[2001:db8::5]:80"}}}`:                                    "2001:db8::/32 http.url_details.host",
		`{"file":{"hash":{"md5":"D41D8CD98F00B204E9800998ECF8427E"}}}`:                            "d41d8cd98f00b204e9800998ecf8427e file.hash.md5",
		`{"Hashes":"SHA1=x,MD5=D41D8CD98F00B204E9800998ECF8427E,IMPHASH=0"}`:                      "d41d8cd98f00b204e9800998ecf8427e Hashes",
		`{"process":{"executable":{"hashes":["sha1:y","md5:d41d8cd98f00b204e9800998ecf8427e"]}}}`: "d41d8cd98f00b204e9800998ecf8427e process.executable.hashes",
		`{"other":"203.0.113.7"}`:                                                                 "",
	} {
		e := event(t, attributes)
		var got []string
		for _, h := range x.Match(e) {
			got = append(got, h.Value+" "+h.Path)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q", attributes, got, want)
		}
		if marked := x.Mark(e); marked != (want != "") || marked != e.Has("threat_intel.results.category") {
			t.Errorf("%s: marked %v: %s", attributes, marked, e.JSON)
		}
	}
	e := event(t, `{"network":{"client":{"ip":"203.0.113.7"}},"threat_intel":"mine"}`)
	x.Mark(e)
	const want = `{"network":{"client":{"ip":"203.0.113.7"}},"threat_intel":{"indicators_matched":["IP"],"results":[` +
		`{"indicator":"203.0.113.7","type":"IP","category":"malware","intention":"malicious","source":{"name":"ours"},"matched":"network.client.ip"},` +
		`{"indicator":"203.0.113.0/24","type":"IP","category":"malware","intention":"malicious","source":{"name":"ours"},"matched":"network.client.ip"}]}}`
	if e.JSON != want {
		t.Errorf("got %s", e.JSON)
	}
}

// TestRealListsAreRead reads public lists, and finds in a real log how many events are
// in them, as an independent script counted.
func TestRealListsAreRead(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs ../shared/data: real lists of indicators")
	}
	for name, least := range map[string]int{"ipsum.csv": 120_000, "x4b_datacenter_ipv4_cidr.txt": 42_000, "misp_public_dns_v4.txt": 62_000, "tor_exit_nodes.txt": 1_700, "disposable_email_domains.txt": 8_000} {
		text, err := os.ReadFile(filepath.Join(dir, "threat-intel", name))
		if err != nil {
			t.Fatal(err)
		}
		got, report, err := Read("auto", text, Defaults{})
		if err != nil || len(got) < least {
			t.Errorf("%s: %d indicators (%+v, %v), want %d at least", name, len(got), report, err, least)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("auto", "203.0.113.7\nevil.example")
	f.Add("csv", "ip,type\n\"a\n")
	f.Add("stix", `{"objects":[{"type":"indicator","pattern":"[file:hashes.'MD5' IN ('a',"}]}`)
	f.Add("misp", `{"response":{"response":[{"Event":{}}]}}`)
	f.Fuzz(func(t *testing.T, format, text string) {
		got, report, err := Read(format, []byte(text), Defaults{})
		if err != nil {
			return
		}
		if report.Indicators != len(got) {
			t.Errorf("%d indicators, and %d are reported", len(got), report.Indicators)
		}
		x := NewIndex(got)
		for _, i := range got {
			again, err := Normal(i.Type, i.Value)
			if err != nil || again != i.Value {
				t.Errorf("%q is not normal: %q %v", i.Value, again, err)
			}
			if p, isNetwork := network(i.Value); i.Type == IP && isNetwork {
				if len(x.findIP(p.Addr().String(), nil)) == 0 {
					t.Errorf("%q is not found", i.Value)
				}
			}
		}
	})
}

// TestAHeaderMayStandInAComment, as in tables that are quoted whole.
func TestAHeaderMayStandInAComment(t *testing.T) {
	for text, want := range map[string]string{
		"# A list\n#\n# id,seen,url,url_status,tags\n\"1\",\"2026-01-01\",\"http://evil.example/a,b\",\"online\",\"elf\"\n#\n": "URL http://evil.example/a,b elf",
		"# \"seen\",\"ioc_value\",\"ioc_type\",\"threat_type\"\n\"2026\", \"203.0.113.9:8080\", \"ip:port\", \"botnet_cc\"\n":  "IP 203.0.113.9 botnet_cc",
		"# one, two\n203.0.113.9\n":                              "IP 203.0.113.9 ",
		"# hosts\n127.0.0.1\tlocalhost\n0.0.0.0\tevil.example\n": "DOMAIN evil.example ",
		"ip,category\n203.0.113.9,tor\n":                         "IP 203.0.113.9 tor",
	} {
		all, r, err := Read("auto", []byte(text), Defaults{})
		if err != nil || len(all) != 1 {
			t.Errorf("%q: %v, %+v, %v", text, all, r, err)
			continue
		}
		if got := fmt.Sprintf("%s %s %s", all[0].Type, all[0].Value, all[0].Category); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func BenchmarkMark(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	all, _, _ := Read("list", []byte(text.String()+"203.0.113.0/24\n198.51.0.0/16\nevil.example\nd41d8cd98f00b204e9800998ecf8427e\n"), Defaults{})
	x := NewIndex(all)
	a := map[string]any{"network": map[string]any{"client": map[string]any{"ip": "192.0.2.1"}}, "http": map[string]any{"url": "https://shop.example/a?b=c"}}
	for i := range 30 {
		a[fmt.Sprintf("attribute%d", i)] = "some value of forty characters, or nearly so"
	}
	raw, _ := json.Marshal(a)
	attributes, err := schema.ParseAttributes(string(raw))
	if err != nil {
		b.Fatal(err)
	}
	e := &schema.Event{Attributes: attributes}
	b.ReportAllocs()
	for b.Loop() {
		x.Mark(e)
	}
}
