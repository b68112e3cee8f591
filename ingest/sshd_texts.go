package ingest

import (
	"net/netip"
	"strconv"
	"strings"

	"nightjar/ingest/heads"
)

// sshdText is a text of the daemon by how it begins.
type sshdText struct {
	prefix string
	read   func(p *sshd, rest string)
}

// readerOf is what reads the text, and what is left of it for that.
func readerOf(text string) (read func(*sshd, string), rest string) {
	if text == "" {
		return nil, text
	}
	for _, t := range sshdTexts[text[0]] {
		if rest, ok := strings.CutPrefix(text, t.prefix); ok {
			return t.read, rest
		}
	}
	return nil, text
}

// sshdTexts are the texts by their first byte; the first that fits counts.
var sshdTexts = func() (byFirst [256][]sshdText) {
	for _, list := range [][]sshdText{loginTexts, connectionTexts, pamTexts, serverTexts} {
		for _, t := range list {
			byFirst[t.prefix[0]] = append(byFirst[t.prefix[0]], t)
		}
	}
	return byFirst
}()

// as gives the event and then reads on.
func as(name, outcome, category string, read func(*sshd, string)) func(*sshd, string) {
	return func(p *sshd, rest string) {
		p.event(name, outcome, category)
		if read != nil {
			read(p, rest)
		}
	}
}

// Texts of who may come in. What is on both sides of an address is said at each.
var loginTexts = []sshdText{
	{"Accepted certificate ID ", as("ssh_certificate_accepted", neither, authentication, nil)},
	{"Accepted ", func(p *sshd, rest string) { p.login("ssh_login", success, rest) }},
	{"Failed ", func(p *sshd, rest string) { p.login("ssh_login", failure, rest) }},
	{"Postponed ", func(p *sshd, rest string) { p.login("ssh_login_postponed", neither, rest) }},
	{"Partial ", func(p *sshd, rest string) { p.login("ssh_login_partial", neither, rest) }},
	{"maximum authentication attempts exceeded for ", as("ssh_max_attempts", failure, authentication, (*sshd).userFrom)},
	{"Too many authentication failures for ", as("ssh_max_attempts", failure, authentication, (*sshd).userMaybeFrom)},
	{"Invalid user ", as("ssh_invalid_user", failure, authentication, (*sshd).invalidFrom)},
	{"Illegal user ", as("ssh_invalid_user", failure, authentication, (*sshd).invalidFrom)},
	{"input_userauth_request: invalid user ", as("ssh_userauth_request", failure, authentication, func(p *sshd, rest string) {
		p.set("ssh.invalid_user", true)
		p.user(rest)
	})},
	{"User ", (*sshd).userText},
	{"ROOT LOGIN REFUSED FROM ", as("ssh_root_refused", failure, authentication, func(p *sshd, rest string) {
		p.user("root")
		p.whole(rest)
	})},
	{"Authentication tried for ", as("ssh_not_permitted_from", failure, authentication, (*sshd).notPermitted)},
	{"Access denied for user ", as("ssh_access_denied", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, " by PAM account configuration"); ok {
			p.user(name)
		}
	})},
	{"Authentication refused: ", as("ssh_authentication_refused", failure, authentication, nil)},
	{"Authentication key ", as("ssh_key_revoked", failure, authentication, nil)},
	{"Certificate invalid: ", as("ssh_certificate_refused", failure, authentication, nil)},
	{"Refusing certificate ID ", as("ssh_certificate_refused", failure, authentication, nil)},
	{"Could not get shadow information for ", as("ssh_shadow_unreadable", failure, authentication, (*sshd).user)},
	{"userauth_hostbased mismatch: client sends ", as("ssh_hostbased_mismatch", failure, authentication, func(p *sshd, rest string) {
		// The name before is the client's, the one behind whoever's runs its DNS.
		if _, resolved, ok := cutLast(rest, ", but we resolve "); ok {
			ip, _, _ := strings.Cut(resolved, " to ")
			p.whole(ip)
		}
	})},
	{"SSH: Server;Ltype: ", (*sshd).patched},
}

// Texts of connections and sessions.
var connectionTexts = []sshdText{
	{"Connection closed by ", as("ssh_connection_closed", neither, session, (*sshd).whoAt)},
	{"Connection reset by ", as("ssh_connection_reset", neither, session, (*sshd).whoAt)},
	{"Disconnected from ", as("ssh_disconnected", neither, session, (*sshd).whoAt)},
	{"Received disconnect from ", as("ssh_disconnect", neither, session, (*sshd).leading)},
	{"Disconnecting: Too many authentication failures for ", as("ssh_disconnecting", failure, session, (*sshd).userMaybeFrom)},
	{"Disconnecting", as("ssh_disconnecting", neither, session, (*sshd).disconnecting)},
	{"Connection from ", (*sshd).connection},
	{"Timeout, client not responding from ", as("ssh_client_timeout", neither, session, (*sshd).whoAt)},
	{"Read error from remote host ", as("ssh_read_error", failure, session, (*sshd).whoBefore)},
	{"Read from socket failed: ", as("ssh_read_error", failure, session, nil)},
	{"Write failed: ", as("ssh_write_failed", failure, session, nil)},
	{"Starting session: ", as("ssh_session_started", neither, session, (*sshd).startedFor)},
	{"Close session: user ", as("ssh_session_closed", neither, session, func(p *sshd, rest string) {
		rest, _, _ = cutLast(rest, " id ")
		p.nameFrom(rest, false)
	})},
	{"subsystem request for ", as("ssh_subsystem_request", neither, session, func(p *sshd, rest string) {
		if _, name, ok := cutLast(rest, " by user "); ok { // what is asked for is the client's
			p.user(name)
		}
	})},
	{"Did not receive identification string from ", as("ssh_no_identification", failure, session, func(p *sshd, rest string) { p.whole(rest) })},
	{"Could not write ident string to ", as("ssh_no_identification", failure, session, (*sshd).leading)},
	{"Bad protocol version identification ", as("ssh_bad_protocol", failure, session, func(p *sshd, rest string) {
		if _, at, ok := cutLast(rest, " from "); ok { // what it was sent stands before
			p.whole(at)
		}
	})},
	{"Bad remote protocol version identification", as("ssh_bad_protocol", failure, session, nil)},
	{"Protocol major versions differ for ", as("ssh_bad_protocol", failure, session, (*sshd).leading)},
	{"Protocol major versions differ", as("ssh_bad_protocol", failure, session, nil)},
	{"banner exchange: Connection from ", as("ssh_bad_protocol", failure, session, (*sshd).leading)},
	{"scanned from ", as("ssh_scanned", failure, session, (*sshd).leading)},
	{"probed from ", as("ssh_scanned", failure, session, (*sshd).leading)},
	{"Unable to negotiate with ", as("ssh_negotiation_failed", failure, session, (*sshd).whoBefore)},
	{"Unable to negotiate", as("ssh_negotiation_failed", failure, session, nil)},
	{"no matching ", as("ssh_negotiation_failed", failure, session, nil)},
	{"no hostkey alg", as("ssh_negotiation_failed", failure, session, nil)},
	{"ssh_dispatch_run_fatal: Connection from ", as("ssh_protocol_error", failure, session, (*sshd).whoBefore)},
	{"ssh_dispatch_run_fatal: ", as("ssh_protocol_error", failure, session, nil)},
	{"kex_exchange_identification: ", as("ssh_no_identification", failure, session, nil)},
	{"kex_protocol_error: ", as("ssh_protocol_error", failure, session, nil)},
	{"kex protocol error: ", as("ssh_protocol_error", failure, session, nil)},
	{"Bad packet length ", as("ssh_protocol_error", failure, session, nil)},
	{"Corrupted ", as("ssh_protocol_error", failure, session, nil)},
	{"padding error: ", as("ssh_protocol_error", failure, session, nil)},
	{"Timeout before authentication for ", as("ssh_authentication_timeout", failure, authentication, func(p *sshd, rest string) {
		p.leading(strings.TrimPrefix(rest, "connection from "))
	})},
	{"drop connection #", as("ssh_connection_dropped", failure, session, (*sshd).dropped)},
	{"refused connect from ", as("ssh_connection_refused", failure, session, func(p *sshd, rest string) {
		// The name is whoever's runs the address's DNS; the address is behind it.
		if name, ip, ok := cutLast(rest, " ("); ok && strings.HasSuffix(ip, ")") && p.whole(strings.TrimSuffix(ip, ")")) {
			if heads.IsHeadWord(name) && !strings.Contains(name, ":") {
				p.set("network.client.domain", name)
			}
		} else if !ok {
			p.client(rest)
		}
	})},
	{"srclimit_penalise: ", as("ssh_penalty", failure, session, (*sshd).penalty)},
	{"refused local port forward: ", as("ssh_forward_refused", failure, session, nil)},
	{"reverse mapping checking getaddrinfo for ", as("ssh_reverse_mapping", failure, session, func(p *sshd, rest string) {
		// The name is whoever's runs the address's DNS.
		if before, _, ok := cutLast(rest, "] failed"); ok {
			if start := strings.LastIndexByte(before, '['); start >= 0 {
				p.whole(before[start+1:])
			}
		}
	})},
	{"Nasty PTR record ", as("ssh_reverse_mapping", failure, session, func(p *sshd, rest string) {
		if _, at, ok := cutLast(rest, " is set up for "); ok {
			ip, _, _ := strings.Cut(at, ",")
			p.whole(ip)
		}
	})},
	{"Address ", func(p *sshd, rest string) {
		if ip, _, ok := strings.Cut(rest, " maps to "); ok && p.whole(ip) {
			p.event("ssh_reverse_mapping", failure, session)
		}
	}},
}

// Texts of the server itself.
var serverTexts = []sshdText{
	{"Server listening on ", as("ssh_server_listening", neither, server, nil)},
	{"Received signal ", as("ssh_server_signal", neither, server, nil)},
	{"Received SIGHUP", as("ssh_server_signal", neither, server, nil)},
	{"beginning MaxStartups throttling", as("ssh_throttling", failure, server, nil)},
	{"exited MaxStartups throttling", as("ssh_throttling", neither, server, nil)},
}

// cutLast cuts s around the last separator.
func cutLast(s, separator string) (before, after string, ok bool) {
	at := strings.LastIndex(s, separator)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(separator):], true
}

// login reads "METHOD for [invalid user ]NAME from IP port N ssh2[: INFO]".
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

func (p *sshd) invalidFrom(rest string) {
	p.set("ssh.invalid_user", true)
	p.nameFrom(rest, true)
}

// userMaybeFrom reads "NAME[ from IP port N ssh2]", and "invalid user NAME", which is
// the client's to its end: some versions write an address behind it and others not.
func (p *sshd) userMaybeFrom(rest string) {
	name, invalid := p.cutInvalid(rest)
	before := len(p.found)
	if !invalid {
		p.nameFrom(name, false)
	}
	if len(p.found) == before {
		p.user(name)
	}
}

// userText reads "NAME[ from HOST] not allowed because …" and "NAME password has
// expired …". The names are of users that there are.
func (p *sshd) userText(rest string) {
	if who, _, ok := cutLast(rest, " not allowed because "); ok {
		p.event("ssh_user_not_allowed", failure, authentication)
		name, host, from := cutLast(who, " from ")
		if from && p.client(host) {
			p.user(name)
		} else {
			p.user(who)
		}
		return
	}
	if name, _, ok := strings.Cut(rest, " password has expired"); ok {
		p.event("ssh_password_expired", failure, authentication)
		p.user(name)
	}
}

// notPermitted reads "NAME with correct key but not from a permitted host (host=H,
// ip=IP, required=…)" and "NAME with valid certificate but not from a permitted
// source address (IP)". The names are of users that there are.
func (p *sshd) notPermitted(rest string) {
	name, rest, ok := strings.Cut(rest, " with ")
	if !ok {
		return
	}
	p.user(name)
	if _, after, ok := strings.Cut(rest, ", ip="); ok {
		ip, _, _ := strings.Cut(after, ",")
		p.whole(ip)
	} else if _, after, ok := strings.Cut(rest, " source address ("); ok {
		ip, _, _ := strings.Cut(after, ")")
		p.whole(ip)
	}
}

// patched reads "Authname;Remote: IP-PORT;Name: …", a patch's text that ends in
// the client's.
func (p *sshd) patched(rest string) {
	kind, rest, ok := strings.Cut(rest, ";Remote: ")
	if !ok || strings.ContainsAny(kind, " ;") {
		return
	}
	p.event("ssh_connection", neither, session)
	at, rest, _ := strings.Cut(rest, ";")
	if ip, port, ok := cutLast(at, "-"); ok {
		if e, more, ok := cutEndpoint(ip + " port " + port); ok && more == "" {
			p.from(e)
		}
	}
	if name, ok := strings.CutPrefix(rest, "Name: "); ok && kind == "Authname" {
		p.user(name)
	}
}

// connection reads "[WHO ]IP port N on IP port N" and "[WHO ]IP port N: REASON" and
// "[WHO ]IP port N timed out".
func (p *sshd) connection(rest string) {
	p.event("ssh_connection", neither, session)
	if _, _, ok := cutEndpoint(rest); ok {
		p.leading(rest)
		return
	}
	if who, ok := strings.CutSuffix(rest, " timed out"); ok {
		p.whoAt(who)
		return
	}
	p.whoBefore(rest)
}

// whoBefore reads "[WHO ]IP port N: REASON". A REASON may end in the client's text
// (Their offer: …), which begins behind the first ": " if WHO is nobody; a name in
// WHO is the client's when it is invalid, and then the last address counts.
func (p *sshd) whoBefore(rest string) {
	if e, _, ok := cutEndpoint(rest); ok {
		p.from(e)
		return
	}
	if _, offered, ok := strings.Cut(rest, ". Their offer: "); ok && strings.Contains(offered, " port ") {
		return // the client's text is on both sides
	}
	at := p.portsBefore(rest, ": ")
	switch {
	case len(at) == 0:
		p.whoAt(rest)
	case strings.HasPrefix(rest, "invalid user "):
		p.whoAt(rest[:at[len(at)-1]])
	default:
		p.whoAt(rest[:at[0]])
	}
}

// portsBefore are the places of the separator that follow "IP port N".
func (p *sshd) portsBefore(s, separator string) (at []int) {
	for i := 0; ; {
		n := strings.Index(s[i:], separator)
		if n < 0 {
			return at
		}
		i += n
		digits := i
		for digits > 0 && i-digits < 6 && s[digits-1] >= '0' && s[digits-1] <= '9' {
			digits--
		}
		if before, ok := strings.CutSuffix(s[:digits], " port "); ok && digits < i {
			ip := before[strings.LastIndexByte(before[max(0, len(before)-80):], ' ')+1+max(0, len(before)-80):]
			if _, ok := addressOf(ip); ok {
				at = append(at, i)
			}
		}
		i += len(separator)
	}
}

// disconnecting reads ": REASON" and " [WHO ]IP port N: REASON". Where WHO is an
// invalid user, and REASON "Change of username … not allowed: (NAME,…) -> …", the
// client's text is on both sides. What tells then is that the name comes twice; if
// the text can be read in several ways, none counts.
func (p *sshd) disconnecting(rest string) {
	rest, ok := strings.CutPrefix(rest, " ")
	name, invalid := strings.CutPrefix(rest, "invalid user ")
	if !ok || !invalid {
		if ok {
			p.whoBefore(rest)
		}
		return
	}
	const changed = "Change of username or service not allowed: ("
	found, ways := 0, 0
	places := p.portsBefore(name, ": ")
	for i, at := range places {
		again, isChange := strings.CutPrefix(name[at+len(": "):], changed)
		ip := strings.LastIndexByte(name[:strings.LastIndex(name[:at], " port ")], ' ')
		if isChange && (ip < 0 || !strings.HasPrefix(again, name[:ip]+",")) || !isChange && i < len(places)-1 {
			continue
		}
		found = at
		ways++
	}
	if ways == 1 {
		p.whoAt("invalid user " + name[:found])
	}
}

// startedFor reads "KIND for NAME from IP port N id N", where KIND may hold the
// name of a subsystem, which is the client's.
func (p *sshd) startedFor(rest string) {
	rest, _, _ = cutLast(rest, " id ")
	if _, who, ok := cutLast(rest, " for "); ok {
		p.nameFrom(who, false)
	}
}

// dropped reads "N from [IP]:PORT on [IP]:PORT …".
func (p *sshd) dropped(rest string) {
	_, at, ok := strings.Cut(rest, " from ")
	word, _, _ := strings.Cut(at, " ")
	if !ok {
		return
	}
	if to, err := netip.ParseAddrPort(word); err == nil {
		p.from(endpoint{to.Addr().Unmap().String(), strconv.Itoa(int(to.Port()))})
		return
	}
	ip, after, ok := strings.Cut(strings.TrimPrefix(word, "["), "]") // an IPv4 address in brackets
	if address, is := addressOf(ip); ok && is {
		p.from(endpoint{address, strings.TrimPrefix(after, ":")})
	}
}

// penalty reads "ipv4: new IP/32 deferred penalty of …".
func (p *sshd) penalty(rest string) {
	for range 4 {
		word, after, _ := strings.Cut(rest, " ")
		if prefix, err := netip.ParsePrefix(word); err == nil {
			if prefix.IsSingleIP() {
				p.from(endpoint{ip: prefix.Addr().Unmap().String()})
			}
			return
		}
		rest = after
	}
}
