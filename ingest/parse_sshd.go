package ingest

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseSSHD reads what OpenSSH's server and its PAM modules log. Lines of other
// programs in the same file keep what their head says.
//
// Names of users are the client's to choose, spaces and ` from 1.2.3.4 port 22`
// included. So an address is looked for where only sshd can have written: from
// the end where the name comes first, from the start where the client's text
// comes last.
func parseSSHD(l Line) Parsed {
	s := parseSyslog(l)
	out := Parsed{At: s.at, Host: s.host}
	p := sshd{}
	if s.program == "" || s.program == "sshd" || strings.HasPrefix(s.program, "sshd-") {
		p.line(strings.TrimRight(s.text, " \r\n"))
	}
	if s.program != "" {
		p.set("process.name", s.program)
	}
	if s.pid != 0 {
		p.set("process.pid", s.pid)
	}
	out.Attributes = p.found
	return out
}

type sshd struct{ found []Attribute }

func (p *sshd) set(path string, value any) { p.found = append(p.found, Attribute{path, value}) }

// What an event says of its outcome.
const (
	success = "success"
	failure = "failure"
	neither = ""
)

func (p *sshd) event(name, outcome, category string) {
	p.set("evt.name", name)
	if outcome != neither {
		p.set("evt.outcome", outcome)
	}
	p.set("evt.category", category)
}

func (p *sshd) user(name string) {
	p.set("usr.id", name)
	p.set("usr.name", name)
}

func (p *sshd) line(text string) {
	if inner, n, ok := cutRepeated(text); ok {
		p.set("evt.repeat", n)
		text = inner
	}
	if inner, ok := strings.CutSuffix(text, " [preauth]"); ok {
		p.set("ssh.preauth", true)
		text = inner
	}
	for _, level := range []string{"error: ", "fatal: "} {
		text = strings.TrimPrefix(text, level)
	}
	for _, k := range sshdLines {
		if rest, ok := strings.CutPrefix(text, k.prefix); ok {
			k.read(p, rest)
			return
		}
	}
}

// cutRepeated reads syslog's "message repeated 3 times: [ …]".
func cutRepeated(text string) (inner string, n int64, ok bool) {
	rest, ok := strings.CutPrefix(text, "message repeated ")
	if !ok {
		return "", 0, false
	}
	times, inner, ok := strings.Cut(rest, " times: [ ")
	if !ok {
		return "", 0, false
	}
	n, err := strconv.ParseInt(times, 10, 64)
	return strings.TrimSuffix(inner, "]"), n, err == nil
}

// sshdLines are the messages by how they begin; the first that fits counts.
var sshdLines = []struct {
	prefix string
	read   func(p *sshd, rest string)
}{
	{"Accepted ", func(p *sshd, rest string) { p.login("ssh_login", success, rest) }},
	{"Failed ", func(p *sshd, rest string) { p.login("ssh_login", failure, rest) }},
	{"Postponed ", func(p *sshd, rest string) { p.login("ssh_login_postponed", neither, rest) }},
	{"Partial ", func(p *sshd, rest string) { p.login("ssh_login_partial", neither, rest) }},
	{"maximum authentication attempts exceeded for ", func(p *sshd, rest string) {
		p.event("ssh_max_attempts", failure, authentication)
		p.userFrom(rest)
	}},
	{"Invalid user ", func(p *sshd, rest string) {
		p.event("ssh_invalid_user", failure, authentication)
		p.set("ssh.invalid_user", true)
		p.nameFrom(rest)
	}},
	{"input_userauth_request: invalid user ", func(p *sshd, rest string) {
		p.event("ssh_userauth_request", failure, authentication)
		p.set("ssh.invalid_user", true)
		p.user(rest)
	}},
	{"User ", (*sshd).notAllowed},
	{"ROOT LOGIN REFUSED FROM ", func(p *sshd, rest string) {
		p.event("ssh_root_refused", failure, authentication)
		p.user("root")
		p.endpoint(rest)
	}},
	{"Connection closed by ", func(p *sshd, rest string) {
		p.event("ssh_connection_closed", neither, session)
		p.whoAt(rest)
	}},
	{"Connection reset by ", func(p *sshd, rest string) {
		p.event("ssh_connection_reset", neither, session)
		p.whoAt(rest)
	}},
	{"Disconnected from ", func(p *sshd, rest string) {
		p.event("ssh_disconnected", neither, session)
		p.whoAt(rest)
	}},
	{"Received disconnect from ", func(p *sshd, rest string) {
		p.event("ssh_disconnect", neither, session)
		p.leading(rest)
	}},
	{"Disconnecting", (*sshd).disconnecting},
	{"Connection from ", func(p *sshd, rest string) {
		p.event("ssh_connection", neither, session)
		p.leading(rest)
	}},
	{"Starting session: ", func(p *sshd, rest string) {
		p.event("ssh_session_started", neither, session)
		if at := strings.LastIndex(rest, " id "); at >= 0 {
			rest = rest[:at]
		}
		if _, rest, ok := strings.Cut(rest, " for "); ok {
			p.nameFrom(rest)
		}
	}},
	{"Did not receive identification string from ", func(p *sshd, rest string) {
		p.event("ssh_no_identification", failure, session)
		p.endpoint(rest)
	}},
	{"Bad protocol version identification ", func(p *sshd, rest string) {
		p.event("ssh_bad_protocol", failure, session)
		if at := strings.LastIndex(rest, " from "); at >= 0 {
			p.endpoint(rest[at+len(" from "):])
		}
	}},
	{"banner exchange: Connection from ", func(p *sshd, rest string) {
		p.event("ssh_bad_protocol", failure, session)
		p.leading(rest)
	}},
	{"Unable to negotiate with ", func(p *sshd, rest string) {
		p.event("ssh_negotiation_failed", failure, session)
		p.leading(rest)
	}},
	{"Timeout before authentication for ", func(p *sshd, rest string) {
		p.event("ssh_authentication_timeout", failure, authentication)
		p.endpoint(strings.TrimPrefix(rest, "connection from "))
	}},
	{"reverse mapping checking getaddrinfo for ", func(p *sshd, rest string) {
		p.event("ssh_reverse_mapping", failure, session)
		// The name is whoever's runs the address's DNS.
		if end := strings.LastIndex(rest, "] failed"); end >= 0 {
			if start := strings.LastIndexByte(rest[:end], '['); start >= 0 {
				p.address(rest[start+1 : end])
			}
		}
	}},
	{"Address ", func(p *sshd, rest string) {
		ip, _, ok := strings.Cut(rest, " maps to ")
		if ok && p.address(ip) {
			p.event("ssh_reverse_mapping", failure, session)
		}
	}},
	{"pam_unix(sshd:auth): authentication failure; ", (*sshd).pamFailure},
	{"pam_unix(sshd:auth): check pass; user unknown", func(p *sshd, _ string) {
		p.event("pam_user_unknown", failure, authentication)
	}},
	{"PAM ", (*sshd).pamMore},
	{"pam_unix(sshd:session): session opened for user ", func(p *sshd, rest string) {
		p.event("session_opened", success, session)
		if at := strings.LastIndex(rest, " by "); at >= 0 {
			rest = rest[:at]
		}
		p.user(cutUID(rest))
	}},
	{"pam_unix(sshd:session): session closed for user ", func(p *sshd, rest string) {
		p.event("session_closed", neither, session)
		p.user(rest)
	}},
	{"Server listening on ", func(p *sshd, _ string) { p.event("ssh_server_listening", neither, server) }},
	{"Received signal ", func(p *sshd, _ string) { p.event("ssh_server_signal", neither, server) }},
}

// Categories of events.
const (
	authentication = "authentication"
	session        = "session"
	server         = "server"
)

// login reads "METHOD for [invalid user ]NAME from IP port N ssh2[: KEY]".
func (p *sshd) login(name, outcome, rest string) {
	method, rest, ok := strings.Cut(rest, " for ")
	if !ok || strings.Contains(method, " ") {
		return
	}
	p.event(name, outcome, authentication)
	// keyboard-interactive/pam says which device; the method is what is before.
	method, device, ok := strings.Cut(method, "/")
	p.set("ssh.method", method)
	if ok {
		p.set("ssh.device", device)
	}
	p.userFrom(rest)
}

// userFrom reads "[invalid user ]NAME from IP port N ssh2[: KEY]".
func (p *sshd) userFrom(rest string) {
	if name, ok := strings.CutPrefix(rest, "invalid user "); ok {
		p.set("ssh.invalid_user", true)
		rest = name
	}
	p.nameFrom(rest)
}

// nameFrom reads "NAME from IP[ port N][ ssh2[: KEY]]". The last " from " with
// an address and nothing unknown behind it is sshd's; all before is the name.
func (p *sshd) nameFrom(rest string) {
	for end := len(rest); ; {
		at := strings.LastIndex(rest[:end], " from ")
		if at < 0 {
			return
		}
		if key, ok := p.origin(rest[at+len(" from "):]); ok {
			p.user(rest[:at])
			p.key(key)
			return
		}
		end = at + len(" from ") - 1 // a name may end in the space of the next
	}
}

// origin reads "IP[ port N][ ssh2[: KEY]]" to its end.
func (p *sshd) origin(s string) (key string, ok bool) {
	head, key, hasKey := strings.Cut(s, " ssh2: ")
	if !hasKey {
		head = strings.TrimSuffix(strings.TrimSuffix(s, " ssh2"), " ssh1")
	}
	return key, p.endpoint(head)
}

// key reads "RSA SHA256:…", and of a certificate "RSA-CERT SHA256:… ID …".
func (p *sshd) key(s string) {
	kind, rest, ok := strings.Cut(s, " ")
	if !ok {
		return
	}
	print, certificate, _ := strings.Cut(rest, " ")
	p.set("ssh.key.type", kind)
	p.set("ssh.key.fingerprint", print)
	if certificate != "" {
		p.set("ssh.key.certificate", certificate)
	}
}

// whoAt reads "[authenticating user |invalid user |user ]NAME IP port N" from
// its end.
func (p *sshd) whoAt(rest string) {
	port := strings.LastIndex(rest, " port ")
	if port < 0 {
		p.endpoint(rest)
		return
	}
	ip := strings.LastIndexByte(rest[:port], ' ') + 1
	if !p.endpoint(rest[ip:]) || ip == 0 {
		return
	}
	who := rest[:ip-1]
	for _, kind := range []string{"authenticating user ", "invalid user ", "user "} {
		if name, ok := strings.CutPrefix(who+" ", kind); ok {
			if kind == "invalid user " {
				p.set("ssh.invalid_user", true)
			}
			p.user(strings.TrimSuffix(name, " "))
			return
		}
	}
}

// leading reads "IP[ port N]" at the start of text that goes on as the client
// likes.
func (p *sshd) leading(rest string) {
	ip, rest, _ := strings.Cut(rest, " ")
	if !p.address(strings.TrimSuffix(ip, ":")) {
		return
	}
	if rest, ok := strings.CutPrefix(rest, "port "); ok {
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		p.port(rest[:end])
	}
}

// disconnecting reads "Disconnecting: REASON" and "Disconnecting [WHO ]IP port
// N: REASON".
func (p *sshd) disconnecting(rest string) {
	p.event("ssh_disconnecting", neither, session)
	rest, ok := strings.CutPrefix(rest, " ")
	if !ok {
		return
	}
	for _, reason := range []string{": Too many authentication failures", ": Change of username or service not allowed"} {
		if at := strings.LastIndex(rest, reason); at >= 0 {
			p.whoAt(rest[:at])
			return
		}
	}
}

// notAllowed reads "NAME from HOST not allowed because …".
func (p *sshd) notAllowed(rest string) {
	at := strings.LastIndex(rest, " not allowed because ")
	if at < 0 {
		return
	}
	p.event("ssh_user_not_allowed", failure, authentication)
	p.nameFrom(rest[:at])
}

// pamFailure reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=IP  user=NAME".
func (p *sshd) pamFailure(rest string) {
	p.event("pam_authentication_failure", failure, authentication)
	_, rest, ok := strings.Cut(rest, " rhost=")
	if !ok {
		return
	}
	host, rest, _ := strings.Cut(rest, " ")
	if !p.address(host) && host != "" {
		p.set("network.client.domain", host)
	}
	if name, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), "user="); ok {
		p.user(name)
	}
}

// pamMore reads "PAM 2 more authentication failures; …".
func (p *sshd) pamMore(rest string) {
	times, rest, ok := strings.Cut(rest, " more authentication failure")
	if !ok {
		return
	}
	if n, err := strconv.ParseInt(times, 10, 64); err == nil {
		p.set("evt.repeat", n)
	}
	_, rest, _ = strings.Cut(rest, "; ")
	p.pamFailure(rest)
}

// cutUID drops the "(uid=0)" that newer PAM writes behind a name.
func cutUID(name string) string {
	if at := strings.LastIndex(name, "(uid="); at > 0 && strings.HasSuffix(name, ")") {
		return name[:at]
	}
	return name
}

// endpoint reads "IP" or "IP port N", all of it.
func (p *sshd) endpoint(s string) bool {
	ip, port, hasPort := strings.Cut(s, " port ")
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
			return false
		}
	}
	if !p.address(ip) {
		return false
	}
	if hasPort {
		p.port(port)
	}
	return true
}

func (p *sshd) address(s string) bool {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return false
	}
	p.set("network.client.ip", ip.Unmap().String())
	return true
}

func (p *sshd) port(s string) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		p.set("network.client.port", int64(n))
	}
}
