package useragent

import (
	"strconv"
	"strings"
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

// The library's own way of trying all expressions finds the same.
func TestNoExpressionIsLeftOutInVain(t *testing.T) {
	all := compiled().parser
	texts := strings.Split(strings.TrimSpace(texts), "\n")
	for _, text := range texts {
		for _, text := range []string{text, strings.ToUpper(text), strings.ToLower(text), text[len(text)/2:], strings.ReplaceAll(text, "s", "ſ"), strings.ReplaceAll(text, "k", "\u212a")} {
			ua, os, device := compiled().parse(text)
			if want := *all.ParseUserAgent(text); ua != want {
				t.Errorf("%s: %v, want %v", text, ua, want)
			}
			if want := *all.ParseOs(text); os != want {
				t.Errorf("%s: %v, want %v", text, os, want)
			}
			if want := *all.ParseDevice(text); device != want {
				t.Errorf("%s: %v, want %v", text, device, want)
			}
		}
	}
}

const texts = `
Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Safari/537.36 Edg/116.0.1938.62
Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/117.0 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/22.0 Chrome/111.0.5563.116 Mobile Safari/537.36
Mozilla/5.0 (Linux; U; Android 4.0.3; ko-kr; LG-L160L Build/IML74K) AppleWebkit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30
Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 920)
Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10
aws-cli/2.13.5 Python/3.11.4 Linux/5.10.16.3-microsoft-standard-WSL2 exe/x86_64.ubuntu.20 prompt/off command/sts.get-caller-identity
Boto3/1.26.90 Python/3.8.10 Linux/5.4.0-1103-aws Botocore/1.29.90
[Boto3/1.9.201 Python/2.7.12 Linux/4.14.137-139.163.amzn2.x86_64 exec-env/AWS_Lambda_python2.7 Botocore/1.12.201]
stratus-red-team_83c9a458-ffab-4d43-8b02-9691311e8c0a
APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) terraform-provider-aws/3.76.1 aws-sdk-go/1.44.157 (go1.19.3; linux; amd64)
console.amazonaws.com
S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.1030 Linux/5.4.109 OpenJDK_64-Bit_Server_VM/25.302-b08 java/1.8.0_302
curl/7.88.1
Wget/1.21.3
python-requests/2.31.0
Go-http-client/2.0
okhttp/4.9.3
Datadog Agent/7.46.0
kube-probe/1.27
Prometheus/2.45.0
sqlmap/1.7#stable (https://sqlmap.org)
Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)
Nmap Scripting Engine
masscan/1.3 (https://github.com/robertdavidgraham/masscan)
kubectl/v1.27.4 (linux/amd64) kubernetes/fa3d799
Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
`

func BenchmarkNew(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		parse("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/" + strconv.Itoa(i))
	}
}

// BenchmarkHostile is the longest text that is read.
func BenchmarkHostile(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		text := strconv.Itoa(i) + strings.Repeat("Mozilla Linux Android bot Mobile ", 40)
		parse(text[:longest])
	}
}

// BenchmarkLibrary is what the library takes for the same.
func BenchmarkLibrary(b *testing.B) {
	p := compiled().parser
	for i := 0; b.Loop(); i++ {
		text := "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/" + strconv.Itoa(i)
		p.ParseUserAgent(text)
		p.ParseOs(text)
		p.ParseDevice(text)
	}
}

func BenchmarkRemembered(b *testing.B) {
	for b.Loop() {
		Parse("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0")
	}
}
