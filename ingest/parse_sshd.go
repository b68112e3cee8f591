package ingest

import (
	"net/netip"
	"strconv"
	"strings"

	"nightjar/ingest/heads"
	"nightjar/ingest/times"
)

// parseSSHD reads what OpenSSH's server and its PAM modules log. Lines of other
// programs in the same file keep what their head says.
//
// Much of a line is the client's to choose: names of users, versions, keys' ids,
// ` from 1.2.3.4 port 22` included. So an address is looked for where only the
// daemon can have written: from the end where the client's text comes first, from
// the start where it comes last. Where it stands on both sides, each reader says
// how it tells, and gives no address where it cannot.
func parseSSHD(l Line) Parsed {
	s := heads.Read(l.Text, times.Reader{Zone: l.Zone, Now: l.Now, Year: l.Year}, sshdDaemon)
	out := Parsed{At: s.At, Host: s.Host}
	p := sshd{}
	if s.Program == "" || isSSHD(s.Program) {
		p.line(strings.TrimRight(s.Text, " \r\n"))
	}
	if s.Program != "" {
		p.set("process.name", s.Program)
	}
	if s.PID != 0 {
		p.set("process.pid", s.PID)
	}
	out.Attributes = p.found
	return out
}

// isSSHD tells the server's programs: sshd, sshd-session, sshd-auth, and sshd as
// old PAM modules write it.
func isSSHD(program string) bool {
	return program == "sshd" || strings.HasPrefix(program, "sshd-") || program == "sshd(pam_unix)"
}

var sshdDaemon = heads.NewDaemon([]string{"sshd", "sshd-*", "sshd(pam_unix)"}, func() (begin []string) {
	for _, list := range [][]sshdText{loginTexts, connectionTexts, pamTexts, serverTexts} {
		for _, t := range list {
			begin = append(begin, t.prefix)
		}
	}
	return begin
}())

type sshd struct{ found []Attribute }

func (p *sshd) set(path string, value any) { p.found = append(p.found, Attribute{path, value}) }

// What an event says of its outcome.
const (
	success = "success"
	failure = "failure"
	neither = ""
)

// Categories of events.
const (
	authentication = "authentication"
	session        = "session"
	server         = "server"
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

// longestText is what a daemon's line has at most, several times over: OpenSSH
// cuts its own at 1,024 bytes. What is longer was written by nobody that is known.
const longestText = 16 << 10

func (p *sshd) line(text string) {
	if len(text) > longestText {
		return
	}
	if inner, n, ok := heads.CutRepeated(text); ok {
		p.set("evt.repeat", n)
		text = inner
	}
	if inner, ok := strings.CutSuffix(text, " [preauth]"); ok {
		p.set("ssh.preauth", true)
		text = inner
	}
	text = cutLevel(text)
	if read, rest := readerOf(text); read != nil {
		read(p, rest)
	}
}

func cutLevel(text string) string {
	if level, rest, ok := strings.Cut(text, ": "); ok && heads.IsLevel(level) {
		return rest
	}
	return text
}

// endpoint is an address, with its port or without, as the daemon writes it.
type endpoint struct {
	ip, port string
}

// cutEndpoint reads "IP[ port N]" at the start of s.
func cutEndpoint(s string) (e endpoint, rest string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 80)], ' ')
	if end < 0 {
		end = len(s)
	}
	word := s[:end]
	if e.ip, ok = addressOf(word); !ok {
		// IP: is how some texts go on.
		if word, ok = strings.CutSuffix(word, ":"); ok {
			e.ip, ok = addressOf(word)
			end--
		}
		return e, s[end:], ok
	}
	rest = s[end:]
	if digits, is := strings.CutPrefix(rest, " port "); is {
		n := 0
		for n < len(digits) && n < 6 && digits[n] >= '0' && digits[n] <= '9' {
			n++
		}
		if _, err := strconv.ParseUint(digits[:n], 10, 16); err == nil && (n == 1 || digits[0] != '0') {
			e.port, rest = digits[:n], digits[n:]
		}
	}
	return e, rest, true
}

func addressOf(s string) (string, bool) {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return "", false
	}
	return ip.Unmap().String(), true
}

func (p *sshd) from(e endpoint) {
	p.set("network.client.ip", e.ip)
	if n, err := strconv.ParseUint(e.port, 10, 16); err == nil {
		p.set("network.client.port", int64(n))
	}
}

// whole reads "IP[ port N]" and nothing behind it.
func (p *sshd) whole(s string) bool {
	e, rest, ok := cutEndpoint(s)
	if ok = ok && strings.Trim(rest, " .") == ""; ok {
		p.from(e)
	}
	return ok
}

// leading reads "IP[ port N]" at the start of text that goes on as the client
// likes.
func (p *sshd) leading(rest string) {
	if e, _, ok := cutEndpoint(rest); ok {
		p.from(e)
	}
}

// client reads one word that is an address or the name that DNS has for it.
func (p *sshd) client(word string) bool {
	if ip, ok := addressOf(word); ok {
		p.set("network.client.ip", ip)
		return true
	}
	if word == "" || word == "UNKNOWN" || strings.ContainsAny(word, " '\"()[]") {
		return false
	}
	p.set("network.client.domain", word)
	return true
}

// cutInvalid takes what the daemon writes before the name of a user that there is
// not.
func (p *sshd) cutInvalid(rest string) (name string, invalid bool) {
	for _, word := range []string{"invalid user ", "illegal user "} {
		if name, ok := strings.CutPrefix(rest, word); ok {
			p.set("ssh.invalid_user", true)
			return name, true
		}
	}
	return rest, false
}

// userFrom reads "[invalid user ]NAME from IP port N ssh2[: INFO]".
func (p *sshd) userFrom(rest string) {
	name, invalid := p.cutInvalid(rest)
	p.nameFrom(name, invalid)
}

// nameFrom reads "NAME from IP[ port N][ ssh2[: INFO]]".
//
// The name of a user that there is (not invalid) is the system's, and INFO may
// hold the client's text: the first " from " with an address counts. Any other
// name is the client's, and nothing may follow the daemon's address that the
// daemon does not write: the last counts. Where INFO is of a certificate, whose id
// is the client's too, it is the first again.
func (p *sshd) nameFrom(rest string, invalid bool) {
	best := -1
	var e endpoint
	var info string
	for at := 0; ; {
		i := strings.Index(rest[at:], " from ")
		if i < 0 {
			break
		}
		at += i
		found, more, kind := origin(rest[at+len(" from "):])
		at += len(" from ") - 1 // a name may end in the space of the next
		if kind == noOrigin || kind == openOrigin && best >= 0 {
			continue
		}
		best, e, info = at-len(" from ")+1, found, more
		if !invalid || len(rest) > cutTexts {
			break // of a name the daemon keeps 100 bytes: more is INFO, perhaps cut off
		}
	}
	if best < 0 {
		return
	}
	p.user(rest[:best])
	p.from(e)
	p.key(info)
}

// cutTexts is more than a line has whose INFO is not the client's.
const cutTexts = 900

// Kinds of what may be where a client comes from.
const (
	noOrigin     = iota
	closedOrigin // to the end, every word of it the daemon's
	openOrigin   // it goes on with the client's text
)

// origin reads "IP[ port N][ ssh2[: INFO]]".
func origin(s string) (e endpoint, info string, kind int) {
	e, rest, ok := cutEndpoint(s)
	if !ok {
		return e, "", noOrigin
	}
	for _, protocol := range []string{" ssh2", " ssh1"} {
		rest = strings.TrimPrefix(rest, protocol)
	}
	info, hasInfo := strings.CutPrefix(rest, ": ")
	switch {
	case strings.Trim(rest, " ") == "":
		return e, "", closedOrigin
	case !hasInfo:
		return e, "", noOrigin
	case isKey(info):
		return e, info, closedOrigin
	case isOpenInfo(info):
		return e, info, openOrigin
	}
	return e, "", noOrigin
}

// isKey tells "RSA SHA256:…" and what else is one or two words.
func isKey(info string) bool {
	return info != "" && len(info) < 512 && strings.Count(info, " ") < 2
}

// isOpenInfo tells "RSA-CERT SHA256:… ID …" and `RSA SHA256:…, client user "…"`.
func isOpenInfo(info string) bool {
	kind, rest, ok := strings.Cut(info[:min(len(info), 256)], " ")
	print, rest, more := strings.Cut(rest, " ")
	return ok && more && (strings.HasSuffix(kind, "-CERT") && strings.HasPrefix(rest, "ID ") ||
		strings.HasSuffix(print, ",") && strings.HasPrefix(rest, "client user "))
}

// key reads "RSA SHA256:…", and of a certificate "RSA-CERT SHA256:… ID …".
func (p *sshd) key(s string) {
	kind, rest, ok := strings.Cut(s, " ")
	if !ok {
		return
	}
	print, certificate, _ := strings.Cut(rest, " ")
	p.set("ssh.key.type", kind)
	p.set("ssh.key.fingerprint", strings.TrimSuffix(print, ","))
	if certificate != "" && strings.HasSuffix(kind, "-CERT") {
		p.set("ssh.key.certificate", certificate)
	}
}

// whoAt reads "[WHO ]IP[ port N]" from its end, where WHO is what whose says.
func (p *sshd) whoAt(rest string) {
	ip := strings.LastIndexByte(rest, ' ') + 1
	if port := strings.LastIndex(rest, " port "); port >= 0 {
		ip = strings.LastIndexByte(rest[:port], ' ') + 1
	}
	if p.whole(rest[ip:]) && ip > 0 {
		p.who(rest[:ip-1])
	}
}

// who reads "authenticating user NAME", "invalid user NAME" and "user NAME".
func (p *sshd) who(s string) {
	for _, kind := range []string{"authenticating user ", "invalid user ", "user "} {
		if name, ok := strings.CutPrefix(s+" ", kind); ok {
			if kind == "invalid user " {
				p.set("ssh.invalid_user", true)
			}
			p.user(strings.TrimSuffix(name, " "))
			return
		}
	}
}
