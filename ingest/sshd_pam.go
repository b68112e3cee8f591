package ingest

import (
	"strconv"
	"strings"
)

// Texts of PAM: what the daemon writes of it, and what its modules write.
var pamTexts = []sshdText{
	{"PAM: ", (*sshd).pamFor},
	{"PAM service(sshd) ignoring max retries", as("pam_max_retries", failure, authentication, nil)},
	{"PAM ", (*sshd).pamMore},
	{"pam_", (*sshd).pamModule},
	{"(pam_unix) ", func(p *sshd, rest string) { p.pamText("unix", "auth", rest) }},
	{"authentication failure; ", (*sshd).pamFailure},
	{"check pass; user unknown", as("pam_user_unknown", failure, authentication, nil)},
	{"session opened for user ", (*sshd).pamOpened},
	{"session closed for user ", as("session_closed", neither, session, (*sshd).user)},
}

// pamFor reads "REASON for [illegal user ]NAME from HOST[ via IP]". The name is
// the client's, so the last " from " counts.
func (p *sshd) pamFor(rest string) {
	_, who, ok := strings.Cut(rest, " for ")
	if !ok {
		return
	}
	p.event("pam_authentication_failure", failure, authentication)
	name, _ := p.cutInvalid(who)
	name, host, ok := cutLast(name, " from ")
	if !ok {
		p.user(name)
		return
	}
	host, via, hasVia := strings.Cut(host, " via ")
	if _, is := addressOf(via); hasVia && !is {
		return
	}
	if p.client(host) {
		p.user(name)
	}
}

// pamFailure reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=HOST  user=NAME".
// The client's text comes last.
func (p *sshd) pamFailure(rest string) {
	p.event("pam_authentication_failure", failure, authentication)
	_, rest, ok := strings.Cut(rest, " rhost=")
	if !ok {
		return
	}
	host, rest, _ := strings.Cut(rest, " ")
	p.client(host)
	if name, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), "user="); ok {
		p.user(name)
	}
}

// pamMore reads "2 more authentication failures; …".
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

func (p *sshd) pamOpened(rest string) {
	p.event("session_opened", success, session)
	rest, _, _ = cutLast(rest, " by ")
	p.user(cutUID(rest))
}

// cutUID drops the "(uid=0)" that newer PAM writes behind a name.
func cutUID(name string) string {
	if at := strings.LastIndex(name, "(uid="); at > 0 && strings.HasSuffix(name, ")") {
		return name[:at]
	}
	return name
}

// pamModule reads "NAME(sshd:TYPE): …" of any module.
func (p *sshd) pamModule(rest string) {
	module, rest, ok := strings.Cut(rest, "(sshd:")
	kind, text, typed := strings.Cut(rest, "): ")
	if !ok || !typed || len(module) > 40 || len(kind) > 20 {
		return
	}
	p.pamText(module, kind, text)
}

func (p *sshd) pamText(module, kind, text string) {
	for _, t := range pamModuleTexts {
		if t.module != "" && t.module != module {
			continue
		}
		if rest, ok := strings.CutPrefix(text, t.prefix); ok {
			t.read(p, rest)
			return
		}
	}
	if kind == "auth" && strings.Contains(text, "fail") {
		p.event("pam_authentication_failure", failure, authentication)
	}
}

// pamModuleTexts are what modules write, by how it begins; of any module unless one
// is named.
var pamModuleTexts = []struct {
	module, prefix string
	read           func(*sshd, string)
}{
	{"", "authentication failure; ", (*sshd).pamFailure},
	{"", "check pass; user unknown", as("pam_user_unknown", failure, authentication, nil)},
	{"", "session opened for user ", (*sshd).pamOpened},
	{"", "session closed for user ", as("session_closed", neither, session, (*sshd).user)},
	{"sss", "received for user ", as("pam_authentication_failure", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, ": "); ok {
			p.user(name)
		}
	})},
	{"access", "access denied for user `", as("pam_access_denied", failure, authentication, func(p *sshd, rest string) {
		if name, host, ok := cutLast(rest, "' from `"); ok && p.client(strings.TrimSuffix(host, "'")) {
			p.user(name)
		}
	})},
	{"listfile", "Refused user ", as("pam_access_denied", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, " for service "); ok {
			p.user(name)
		}
	})},
	{"succeed_if", "requirement ", as("pam_requirement_not_met", failure, authentication, func(p *sshd, rest string) {
		if _, name, ok := strings.Cut(rest, ` not met by user "`); ok {
			p.user(strings.TrimSuffix(name, `"`))
		}
	})},
	{"faillock", "Consecutive login failures for user ", as("pam_account_locked", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, " account temporarily locked"); ok {
			p.user(name)
		}
	})},
	{"tally2", "user ", as("pam_account_locked", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, " ("); ok {
			p.user(name)
		}
	})},
	{"unix", "account ", as("pam_account_expired", failure, authentication, func(p *sshd, rest string) {
		if name, _, ok := cutLast(rest, " has expired"); ok {
			p.user(name)
		}
	})},
}
