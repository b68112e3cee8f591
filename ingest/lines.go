package ingest

import (
	"strings"
)

// programs are the sources of lines by the program that wrote them, as the head of a
// line names it. Programs that share a source share a format.
var programs = map[string]string{
	"sshd": "sshd", "sshd(pam_unix)": "sshd",
	"sudo": "sudo", "su": "su", "su-l": "su", "runuser": "su",
	"cron": "cron", "crond": "cron", "CRON": "cron", "anacron": "cron", "crontab": "cron",
	"useradd": "useradd", "userdel": "useradd", "usermod": "useradd", "groupadd": "useradd", "groupdel": "useradd", "groupmod": "useradd",
	"passwd": "useradd", "chpasswd": "useradd", "chage": "useradd", "gpasswd": "useradd",
	"systemd-logind": "systemd-logind",
	"nginx":          "nginx", "apache": "apache", "apache2": "apache", "httpd": "apache", "haproxy": "haproxy",
	"postgres": "postgresql", "postgresql": "postgresql", "mysqld": "mysql", "mariadbd": "mysql",
	"audispd": "auditd", "auditd": "auditd", "audisp-syslog": "auditd",
	"osqueryd": "osquery", "sysmon": "sysmon", "falco": "falco", "suricata": "suricata",
}

// SourceOf is the source of the lines of a program; empty: none is known.
func SourceOf(program string) string {
	if strings.HasPrefix(program, "sshd-") {
		return "sshd"
	}
	return programs[program]
}

// lineShape tells the lines of a source without a head of syslog. It is asked where
// the line begins with one of the letters first.
type lineShape struct {
	source string
	first  string
	is     func(line string) bool
}

const digits = "0123456789"

// lineShapes are asked in this order, and the first counts: what says what it is
// comes before what only looks like something.
var lineShapes = []lineShape{
	{"cef", "C", prefix("CEF:0|", "CEF:1|")},
	{"leef", "L", prefix("LEEF:1.0|", "LEEF:2.0|")},
	{windowsEvents, "<", func(line string) bool {
		return strings.HasPrefix(line, "<Event ") && strings.Contains(line[:min(len(line), 200)], "/win/2004/08/events/event")
	}},
	{"auditd", "tn", func(line string) bool {
		return strings.HasPrefix(line, "type=") && strings.Contains(line[:min(len(line), 80)], " msg=audit(") ||
			strings.HasPrefix(line, "node=") && strings.Contains(line[:min(len(line), 300)], " msg=audit(")
	}},
	{"fortinet.fortigate", "d", func(line string) bool {
		return strings.HasPrefix(line, "date=") && strings.Contains(line, " logid=") && strings.Contains(line, " type=")
	}},
	{"vpc", "2345", func(line string) bool {
		f := strings.Fields(line[:min(len(line), 120)])
		return len(f) > 3 && len(f[1]) == 12 && strings.HasPrefix(f[2], "eni-")
	}},
	{"elb", "htgw", func(line string) bool {
		kind, rest, _ := strings.Cut(line, " ")
		return strings.Contains("|http|https|h2|grpcs|ws|wss|", "|"+kind+"|") && len(rest) > 40 && rest[4] == '-' && rest[10] == 'T' && strings.Contains(rest[:min(len(rest), 120)], " app/")
	}},
	{"elb", "t", func(line string) bool { // of a Network Load Balancer
		f := strings.Fields(line[:min(len(line), 120)])
		return len(f) > 3 && f[0] == "tls" && f[1] == "2.0" && strings.HasPrefix(f[3], "net/")
	}},
	{"elb", "2", func(line string) bool { // of a Classic Load Balancer
		f := strings.Fields(line[:min(len(line), 200)])
		return len(f) > 8 && len(f[0]) == len("2006-01-02T15:04:05.000000Z") && f[0][26] == 'Z' && strings.Contains(f[2], ":") && (f[3] == "-" || strings.Contains(f[3], ":")) && len(f[7]) == 3
	}},
	{"s3", "abcdef" + digits, func(line string) bool {
		owner, rest, _ := strings.Cut(line, " ")
		return len(owner) == 64 && strings.Contains(rest[:min(len(rest), 100)], " [")
	}},
	{"nginx", digits, func(line string) bool {
		return len(line) > 22 && line[4] == '/' && line[7] == '/' && line[19:21] == " ["
	}},
	{"apache", "[", func(line string) bool {
		return len(line) > 40 && line[4] == ' ' && strings.Contains(line[:min(len(line), 90)], "] [") && strings.Contains(line[:min(len(line), 120)], "[pid ")
	}},
	{"postgresql", "12", func(line string) bool {
		return len(line) > 30 && line[4] == '-' && line[10] == ' ' && strings.Contains(line[:min(len(line), 160)], " LOG:  ") ||
			len(line) > 30 && line[4] == '-' && (strings.Contains(line[:min(len(line), 160)], " FATAL:  ") || strings.Contains(line[:min(len(line), 160)], " STATEMENT:  ")) ||
			isRDS(line)
	}},
	{"mysql", "12", func(line string) bool {
		return len(line) > 40 && line[4] == '-' && (line[10] == 'T' || line[10] == ' ') &&
			(strings.Contains(line[:min(len(line), 60)], " [Note] ") || strings.Contains(line[:min(len(line), 60)], " [Warning] ") ||
				strings.Contains(line[:min(len(line), 60)], " [ERROR] ") || strings.Contains(line[:min(len(line), 60)], " [System] "))
	}},
	{"iis", "12", func(line string) bool {
		f := strings.Fields(line[:min(len(line), 120)])
		return len(f) > 5 && len(f[0]) == 10 && f[0][4] == '-' && len(f[1]) == 8 && f[1][2] == ':' && isMethod(f[3])
	}},
	{"nginx", "", combined},
}

func prefix(prefixes ...string) func(string) bool {
	return func(line string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				return true
			}
		}
		return false
	}
}

// isRDS tells a line of PostgreSQL with the prefix of Amazon's RDS:
//
//	2026-01-01 06:07:08 UTC:192.0.2.7(51234):app@shop:[4321]:FATAL:  …
func isRDS(line string) bool {
	head := line[:min(len(line), 200)]
	at := strings.Index(head, "]:")
	return len(line) > 40 && line[4] == '-' && line[10] == ' ' && line[19] == ' ' && at > 0 && strings.Contains(head[:at], "@") && strings.Contains(head[at:], ":  ")
}

func isMethod(word string) bool {
	switch word {
	case "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND":
		return true
	}
	return false
}

// isContainer tells a line as runtimes of containers keep it (CRI), whose head is none of
// what is in it:
//
//	2026-01-01T06:07:08.123456789Z stdout F …
func isContainer(line string) bool {
	head := line[:min(len(line), 48)]
	return len(head) > 20 && head[10] == 'T' && (strings.Contains(head, " stdout ") || strings.Contains(head, " stderr "))
}

// combined tells the access log that nginx and Apache share:
//
//	192.0.2.7 - alice [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 …
func combined(line string) bool {
	at := strings.IndexByte(line[:min(len(line), 200)], '[')
	if isContainer(line) || at < 6 || len(line) < at+30 || line[at-1] != ' ' {
		return false
	}
	t := line[at+1:]
	return t[2] == '/' && t[6] == '/' && t[11] == ':' && t[26] == ']' && t[27:29] == ` "`
}

// sourceOfLine is the source that the form of a line tells; empty: none. What says
// nothing in its first byte costs next to nothing.
func (d *Decoder) sourceOfLine(line string) string {
	if line == "" {
		return ""
	}
	for i := range lineShapes {
		s := &lineShapes[i]
		if (s.first == "" || strings.IndexByte(s.first, line[0]) >= 0) && s.is(line) {
			return s.source
		}
	}
	return d.sourceOfHead(line)
}

// sourceOfHead is the source that a head of syslog tells: by its program, or by what
// follows it.
func (d *Decoder) sourceOfHead(line string) string {
	if strings.IndexByte("<0123456789ADFJMNOST", line[0]) < 0 {
		if word, _, ok := strings.Cut(line[:min(len(line), 64)], " "); ok {
			if strings.HasSuffix(word, "]:") {
				return SourceOf(d.Head(line).Program)
			}
		}
		return ""
	}
	if i := strings.IndexByte(line[:min(len(line), 200)], '%'); i >= 0 && isASA(line[i:]) {
		return "cisco.asa"
	}
	if isPanOS(line) {
		return "pan.firewall"
	}
	h := d.Head(line)
	if source := SourceOf(h.Program); source != "" || h.Text == line {
		return source
	}
	switch text := h.Text; {
	case isPanOS(text):
		return "pan.firewall"
	case text == "":
		return ""
	default:
		for i := range lineShapes[:5] {
			s := &lineShapes[i]
			if strings.IndexByte(s.first, text[0]) >= 0 && s.is(text) {
				return s.source
			}
		}
	}
	return ""
}

// isASA tells %ASA-6-302013: and its kin.
func isASA(text string) bool {
	for _, p := range []string{"%ASA-", "%FTD-", "%PIX-"} {
		if rest, ok := strings.CutPrefix(text, p); ok {
			return len(rest) > 8 && rest[0] >= '0' && rest[0] <= '7'
		}
	}
	return false
}

// isPanOS tells a line of PAN-OS: 1,2026/01/01 00:00:00,001801000000,TRAFFIC,…
func isPanOS(text string) bool {
	f := strings.SplitN(text[:min(len(text), 120)], ",", 5)
	if len(f) < 5 || len(f[1]) != 19 || f[1][4] != '/' {
		return false
	}
	switch f[3] {
	case "TRAFFIC", "THREAT", "SYSTEM", "CONFIG", "USERID", "GLOBALPROTECT", "HIPMATCH", "AUTHENTICATION", "DECRYPTION", "CORRELATION":
		return true
	}
	return false
}
