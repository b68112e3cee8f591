package grok

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fastjson"
)

// sshdRules are of the kind that sshd's lines need: tried in their order, few match.
const sshdRules = `
accepted Accepted %{word:auth.method} for %{notSpace:usr.name} from %{ip:network.client.ip} port %{integer:network.client.port}( ssh2(: %{notSpace:key.type} %{notSpace:key.fingerprint})?)?
failed_invalid Failed %{notSpace:auth.method} for (?:invalid|illegal) user %{data:usr.name} from %{ip:network.client.ip} port %{integer:network.client.port}( ssh2)?
failed Failed %{notSpace:auth.method} for %{data:usr.name} from %{ip:network.client.ip} port %{integer:network.client.port}( ssh2)?
invalid Invalid user %{data:usr.name} from %{ip:network.client.ip}( port %{integer:network.client.port})?
closed_auth Connection (?:closed|reset) by (?:authenticating|invalid) user %{data:usr.name} %{ip:network.client.ip} port %{integer:network.client.port} \[preauth\]
closed Connection (?:closed|reset) by %{ip:network.client.ip} port %{integer:network.client.port}( \[preauth\])?
disconnected_user Disconnected from (?:authenticating |invalid )?user %{data:usr.name} %{ip:network.client.ip} port %{integer:network.client.port}( \[preauth\])?
disconnected Disconnected from %{ip:network.client.ip} port %{integer:network.client.port}( \[preauth\])?
received_disconnect Received disconnect from %{ip:network.client.ip} port %{integer:network.client.port}:%{integer:code}: %{data:reason}
listening Server listening on %{ip:network.server.ip} port %{integer:network.server.port}\.
max_attempts error: maximum authentication attempts exceeded for (invalid user )?%{data:usr.name} from %{ip:network.client.ip} port %{integer:network.client.port} ssh2 \[preauth\]
pam_failure pam_unix\(%{notSpace:pam.service}:auth\): authentication failure; %{data::keyvalue}
pam_opened pam_unix\(%{notSpace:pam.service}:session\): session opened for user %{notSpace:usr.name}(\(uid=%{integer:usr.uid}\))?( by %{data:by})?
pam_closed pam_unix\(%{notSpace:pam.service}:session\): session closed for user %{notSpace:usr.name}
pam_unknown pam_unix\(%{notSpace:pam.service}:auth\): check pass; user unknown
no_id Did not receive identification string from %{ip:network.client.ip}( port %{integer:network.client.port})?
bad_protocol Bad protocol version identification '%{data:banner}' from %{ip:network.client.ip} port %{integer:network.client.port}
unable Unable to negotiate with %{ip:network.client.ip} port %{integer:network.client.port}: %{data:reason}
not_allowed User %{data:usr.name} from %{notSpace:network.client.host} not allowed because %{data:reason}
reverse (?:reverse mapping|Address) %{data} (?:POSSIBLE|possible) %{data:message}
`

var sshdLines = []string{
	"Failed password for root from 203.0.113.45 port 52144 ssh2",
	"Failed password for invalid user admin from 203.0.113.45 port 52144 ssh2",
	"Accepted publickey for deploy from 198.51.100.7 port 40022 ssh2: ED25519 SHA256:3OvmXp0vY0Kz8mWQxkQnVYz4Vn0n0nqv7XgN8W9p1aA",
	"Invalid user oracle from 203.0.113.45 port 60188",
	"Connection closed by authenticating user root 203.0.113.45 port 52144 [preauth]",
	"Received disconnect from 203.0.113.45 port 52144:11: Bye Bye [preauth]",
	"Disconnected from user deploy 198.51.100.7 port 40022",
	"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.45  user=root",
	"pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)",
	"pam_unix(sshd:session): session closed for user deploy",
	"error: maximum authentication attempts exceeded for root from 203.0.113.45 port 52144 ssh2 [preauth]",
	"Server listening on 0.0.0.0 port 22.",
	"message repeated 2 times, and no rule knows it, whatever its length may be: it goes on for a while",
}

// BenchmarkSSHD is a whole parse of one line, on the average of kinds of lines.
func BenchmarkSSHD(b *testing.B) {
	p, err := Compile(sshdRules, "")
	if err != nil {
		b.Fatal(err)
	}
	var arena fastjson.Arena
	c := &Context{Received: received, Arena: &arena}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		arena.Reset()
		if _, _, err := p.Parse(c, sshdLines[i%len(sshdLines)]); err != nil {
			b.Fatal(err)
		}
	}
}

const accessRules = `access.common %{_client_ip} %{_ident} %{_auth} \[%{_date_access}\] "(?>%{_method} |)%{_url}(?> %{_version}|)" %{_status_code} (?>%{_bytes_written}|-)
access.combined %{access.common} "%{_referer}" "%{_user_agent}"( "%{data:http._x_forwarded_for}")?.*
error.format %{date("yyyy/MM/dd HH:mm:ss"):date_access} \[%{word:level}\] %{data:error.message}(, %{data::keyvalue(": ",",")})?`

const accessHelpers = `_auth %{notSpace:http.auth:nullIf("-")}
_bytes_written %{integer:network.bytes_written}
_client_ip %{ipOrHost:network.client.ip}
_version HTTP\/%{regex("\\d+\\.\\d+"):http.version}
_url %{notSpace:http.url}
_ident %{notSpace:http.ident:nullIf("-")}
_user_agent %{regex("[^\\\"]*"):http.useragent}
_referer %{notSpace:http.referer:nullIf("-")}
_status_code %{integer:http.status_code}
_method %{word:http.method}
_date_access %{date("dd/MMM/yyyy:HH:mm:ss Z"):date_access}`

const accessLine = `203.0.113.9 - frank [13/Jul/2026:10:55:36 +0000] "GET /index.php?id=1&x=2 HTTP/1.1" 200 2326 "http://www.example.com/start.html" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"`

// BenchmarkAccess is a whole parse of a line of a web server, by the second rule.
func BenchmarkAccess(b *testing.B) {
	p, err := Compile(accessRules, accessHelpers)
	if err != nil {
		b.Fatal(err)
	}
	var arena fastjson.Arena
	c := &Context{Received: received, Arena: &arena}
	b.ReportAllocs()
	for b.Loop() {
		arena.Reset()
		if found, _, err := p.Parse(c, accessLine); err != nil || found == nil {
			b.Fatal(err)
		}
	}
}

// hostile are rules that take long on texts made for them: what a record may cost.
var hostile = []struct{ name, body, text string }{
	{"nested loops, RE2", `(a+)+[bc]b`, strings.Repeat("a", 2000) + "b"},
	{"many anys, RE2", `%{data}a%{data}a%{data}a%{data}a%{data}a%{data}[!?]b`, strings.Repeat("a", 2000) + "b"},
	{"nested loops, dear", `(a+)+(?=cd)[bc]b`, strings.Repeat("a", 30_000) + "b"},
	{"many anys, dear", `%{data}a%{data}a%{data}a%{data}a(?!bb)%{data}[!?]b`, strings.Repeat("a", 30_000) + "b"},
	{"many classes, dear", `\w+[^z]+\w+[^y]+(?!bb)[!?]b`, strings.Repeat("a", 30_000) + "b"},
	{"references, dear", `(a*)*\1[bc]b`, strings.Repeat("a", 30_000) + "b"},
	{"long references, dear", `(a+)%{data}\1[bc]b`, strings.Repeat("a", 30_000) + "b"},
	{"alternatives, dear", `(?:a|a(?!cc)){1,1000}[bc]b`, strings.Repeat("a", 30_000) + "b"},
	{"looking behind, dear", `%{data}(?<=a{1,900}b).[bc]b`, strings.Repeat("a", 30_000) + "b"},
}

// BenchmarkHostile is what the bound of a record takes.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostile {
		p, err := Compile("r "+h.body, "")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(h.name, func(b *testing.B) {
			var arena fastjson.Arena
			before := cpu(b)
			for b.Loop() {
				arena.Reset()
				if found, _, _ := p.Parse(&Context{Arena: &arena}, h.text); found != nil {
					b.Fatal("it matches")
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu is what the process used: on a busy machine, the time that passes says little.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
