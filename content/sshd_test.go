package content

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/schema"
	"nightjar/testenv"
)

// sshdHeads are beginnings of lines, and the time that they say; those of no year are
// of the year before testNow.
var sshdHeads = []struct{ head, at, host string }{
	{"Nov 14 22:13:20 web sshd[10]: ", "2025-11-14T22:13:20.000Z", "web"},
	{"Nov  8 22:13:20 web sshd[10]: ", "2025-11-08T22:13:20.000Z", "web"},
	{"Nov 8 22:13:20 web sshd[10]: ", "2025-11-08T22:13:20.000Z", "web"},
	{"Nov 14 22:13:20.123456 web sshd[10]: ", "2025-11-14T22:13:20.123Z", "web"},
	{"Nov 14 22:13:20,123 web sshd[10]: ", "2025-11-14T22:13:20.123Z", "web"},
	{"Nov 14 2023 22:13:20 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"2023 Nov 14 22:13:20 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"Tue Nov 14 22:13:20 2023 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"Tue Nov 14 23:13:20 CET 2023 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"Tue Nov 14 22:13:20 2023 authpriv.info sshd[10]: ", "2023-11-14T22:13:20.000Z", ""},
	{"Nov 14 22:13:20 web auth.info sshd[10]: ", "2025-11-14T22:13:20.000Z", "web"},
	{"Nov 14 22:13:20 sshd[10]: ", "2025-11-14T22:13:20.000Z", ""},
	{"Nov 14 22:13:20 mon sshd[10]: ", "2025-11-14T22:13:20.000Z", "mon"},
	{"Nov 14 22:13:20 may sshd[10]: ", "2025-11-14T22:13:20.000Z", "may"},
	{"Nov 14 22:13:20 192.0.2.77 sshd[10]: ", "2025-11-14T22:13:20.000Z", "192.0.2.77"},
	{"Nov 14 22:13:20 web sshd: ", "2025-11-14T22:13:20.000Z", "web"},
	{"Nov 14 22:13:20 web sshd-session[10]: ", "2025-11-14T22:13:20.000Z", "web"},
	{"Nov 14 22:13:20 web sshd[10]: [ID 800047 auth.info] ", "2025-11-14T22:13:20.000Z", "web"},
	{"Nov 14 22:13:20 web sshd[10]: error: ", "2025-11-14T22:13:20.000Z", "web"},
	{"2023-11-14T22:13:20.123456+00:00 web sshd[10]: ", "2023-11-14T22:13:20.123Z", "web"},
	{"2023-11-14T23:13:20+0100 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"2023-11-14T22:13:20Z web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"2023-11-14 22:13:20 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"2023-11-14 22:13:20,123 web sshd[10]: ", "2023-11-14T22:13:20.123Z", "web"},
	{"2023-11-14 23:13:20.123456+0100  web sshd[10]: ", "2023-11-14T22:13:20.123Z", "web"},
	{"2023-11-14 23:13:20 +0100 web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"Tue 2023-11-14 23:13:20 CET web sshd[10]: ", "2023-11-14T22:13:20.000Z", "web"},
	{"1700000000.123456 web sshd[10]: ", "2023-11-14T22:13:20.123Z", "web"},
	{"<38>Nov 14 22:13:20 web sshd[10]: ", "2025-11-14T22:13:20.000Z", "web"},
	{"<38>1 2023-11-14T22:13:20Z web sshd 10 - - ", "2023-11-14T22:13:20.000Z", "web"},
	{"web sshd[10]: ", "", "web"},
	{"sshd[10]: ", "", ""},
	{"", "", ""},
	{"error: ", "", ""},
	// Heads that nobody knows must not hide what follows.
	{"[  123.456789] sshd[10]: ", "", ""},
	{"node=web type=X msg=12|sshd[10]: ", "", ""},
	{"14.11.23 22h13 web <auth> sshd[10]: ", "", ""},
	{"Nov 32 22:13:20 web sshd[10]: ", "", ""},
}

// bodies are texts of the daemon that tell a client, 203.0.113.66 or
// host.example.net, or a user, bob; with what is found.
var bodies = []struct{ body, user, outcome string }{
	{"Failed password for bob from 203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Failed password for invalid user bob from 203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Failed password for illegal user bob from ::ffff:203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Failed keyboard-interactive for bob from 203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Failed keyboard-interactive/pam for invalid user bob from 203.0.113.66 port 42024 ssh2 [preauth]", "bob", "failure"},
	{"Failed none for invalid user bob from 203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Failed publickey for bob from 203.0.113.66 port 42024 ssh2: RSA SHA256:abc", "bob", "failure"},
	{"Failed publickey for invalid user bob from 203.0.113.66 port 42024 ssh2: ED25519 SHA256:abc [preauth]", "bob", "failure"},
	{"Failed publickey for bob from 203.0.113.66 port 42024 ssh2: RSA-CERT SHA256:abc ID k (serial 0) CA RSA SHA256:def", "bob", "failure"},
	{"Failed hostbased for bob from 203.0.113.66 port 42024 ssh2: RSA SHA256:abc, client user \"x\", client host \"y\"", "bob", "failure"},
	{"Failed gssapi-with-mic for bob from 203.0.113.66 port 42024 ssh2: bob@EXAMPLE.NET", "bob", "failure"},
	{"Failed password for bob from 203.0.113.66", "bob", "failure"},
	{"Accepted password for bob from 203.0.113.66 port 42024 ssh2", "bob", "success"},
	{"Accepted publickey for bob from 203.0.113.66 port 42024 ssh2: ECDSA SHA256:abc", "bob", "success"},
	{"Postponed publickey for bob from 203.0.113.66 port 42024 ssh2 [preauth]", "bob", ""},
	{"Partial publickey for bob from 203.0.113.66 port 42024 ssh2: RSA SHA256:abc", "bob", ""},
	{"maximum authentication attempts exceeded for bob from 203.0.113.66 port 42024 ssh2 [preauth]", "bob", "failure"},
	{"maximum authentication attempts exceeded for invalid user bob from 203.0.113.66 port 42024 ssh2 [preauth]", "bob", "failure"},
	{"Too many authentication failures for bob from 203.0.113.66 port 42024 ssh2", "bob", "failure"},
	{"Disconnecting: Too many authentication failures for bob from 203.0.113.66 port 42024 ssh2 [preauth]", "bob", "failure"},
	{"Failed keyboard-interactive for bob from 203.0.113.66 port 42024 ssh1", "bob", "failure"},
	{"refused connect from _x=_@::ffff:203.0.113.66 (::ffff:203.0.113.66)", "?", "failure"},
	{"Invalid user bob from 203.0.113.66", "bob", "failure"},
	{"Invalid user bob from 203.0.113.66 port 42024", "bob", "failure"},
	{"Illegal user bob from 203.0.113.66", "bob", "failure"},
	{"User bob from 203.0.113.66 not allowed because not listed in AllowUsers", "bob", "failure"},
	{"User bob from host.example.net not allowed because listed in DenyUsers", "bob", "failure"},
	{"User bob from 203.0.113.66 not allowed because not in any group", "bob", "failure"},
	{"User bob from 203.0.113.66 not allowed because a group is listed in DenyGroups", "bob", "failure"},
	{"User bob from 203.0.113.66 not allowed because none of user's groups are listed in AllowGroups", "bob", "failure"},
	{"ROOT LOGIN REFUSED FROM 203.0.113.66 port 42024", "root", "failure"},
	{"ROOT LOGIN REFUSED FROM 203.0.113.66", "root", "failure"},
	{"Authentication tried for bob with correct key but not from a permitted host (host=host.example.net, ip=203.0.113.66, required=192.0.2.0/24).", "bob", "failure"},
	{"Authentication tried for bob with valid certificate but not from a permitted source address (203.0.113.66).", "bob", "failure"},
	{"userauth_hostbased mismatch: client sends evil, but we resolve 203.0.113.66 to host.example.net", "?", "failure"},
	{"SSH: Server;Ltype: Authname;Remote: 203.0.113.66-42024;Name: bob", "bob", ""},
	{"SSH: Server;Ltype: Version;Remote: 203.0.113.66-42024;Protocol: 2.0;Client: x", "?", ""},
	{"PAM: Authentication failure for bob from 203.0.113.66", "bob", "failure"},
	{"PAM: authentication error for bob from 203.0.113.66 via 192.0.2.10", "bob", "failure"},
	{"PAM: User not known to the underlying authentication module for illegal user bob from 203.0.113.66", "bob", "failure"},
	{"PAM: Authentication error for illegal user bob from host.example.net", "bob", "failure"},
	{"PAM: Permission denied for bob from 203.0.113.66", "bob", "failure"},
	{"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66  user=bob", "bob", "failure"},
	{"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=host.example.net", "?", "failure"},
	{"pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66 user=bob", "bob", "failure"},
	{"pam_krb5(sshd:auth): authentication failure; logname=bob uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66", "?", "failure"},
	{"PAM 3 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.66  user=bob", "bob", "failure"},
	{"pam_access(sshd:account): access denied for user `bob' from `203.0.113.66'", "bob", "failure"},
	{"authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=203.0.113.66  user=bob", "bob", "failure"},
	{"Connection closed by 203.0.113.66", "?", ""},
	{"Connection closed by 203.0.113.66 port 42024 [preauth]", "?", ""},
	{"Connection closed by authenticating user bob 203.0.113.66 port 42024 [preauth]", "bob", ""},
	{"Connection closed by invalid user bob 203.0.113.66 port 42024 [preauth]", "bob", ""},
	{"Connection reset by 203.0.113.66 port 42024 [preauth]", "?", ""},
	{"Connection reset by authenticating user bob 203.0.113.66 port 42024 [preauth]", "bob", ""},
	{"Connection reset by invalid user bob 203.0.113.66 port 42024 [preauth]", "bob", ""},
	{"Disconnected from 203.0.113.66 port 42024", "?", ""},
	{"Disconnected from authenticating user bob 203.0.113.66 port 42024 [preauth]", "bob", ""},
	{"Disconnected from user bob 203.0.113.66 port 42024", "bob", ""},
	{"Received disconnect from 203.0.113.66 port 42024:11: Bye Bye [preauth]", "?", ""},
	{"Received disconnect from 203.0.113.66: 3: com.jcraft.jsch.JSchException: Auth fail [preauth]", "?", ""},
	{"Disconnecting 203.0.113.66 port 42024: Too many authentication failures [preauth]", "?", ""},
	{"Disconnecting authenticating user bob 203.0.113.66 port 42024: Too many authentication failures [preauth]", "bob", ""},
	{"Disconnecting invalid user bob 203.0.113.66 port 42024: Too many authentication failures [preauth]", "bob", ""},
	{"Disconnecting invalid user bob 203.0.113.66 port 42024: Change of username or service not allowed: (bob,ssh-connection) -> (eve,ssh-connection) [preauth]", "bob", ""},
	{"Connection from 203.0.113.66 port 42024 on 192.0.2.10 port 22 rdomain \"\"", "?", ""},
	{"Connection from authenticating user bob 203.0.113.66 port 42024 timed out", "bob", ""},
	{"Timeout, client not responding from user bob 203.0.113.66 port 42024", "bob", ""},
	{"Read error from remote host 203.0.113.66 port 42024: Connection reset by peer", "?", "failure"},
	{"Read error from remote host user bob 203.0.113.66 port 42024: Connection timed out", "bob", "failure"},
	{"Starting session: shell on pts/0 for bob from 203.0.113.66 port 42024 id 0", "bob", ""},
	{"Starting session: subsystem 'sftp' for bob from 203.0.113.66 port 42024 id 0", "bob", ""},
	{"Close session: user bob from 203.0.113.66 port 42024 id 0", "bob", ""},
	{"Did not receive identification string from 203.0.113.66", "?", "failure"},
	{"Did not receive identification string from 203.0.113.66 port 42024", "?", "failure"},
	{"Could not write ident string to 203.0.113.66 port 42024: Broken pipe", "?", "failure"},
	{"Bad protocol version identification 'GET / HTTP/1.0' from 203.0.113.66 port 42024", "?", "failure"},
	{"Bad protocol version identification '\\003' from 203.0.113.66", "?", "failure"},
	{"Protocol major versions differ for 203.0.113.66 port 42024: SSH-2.0-OpenSSH_9.2 vs. SSH-1.5-NmapNSE_1.0", "?", "failure"},
	{"banner exchange: Connection from 203.0.113.66 port 42024: invalid format", "?", "failure"},
	{"banner exchange: Connection from 203.0.113.66 port 42024: could not read protocol version", "?", "failure"},
	{"scanned from 203.0.113.66 with SSH-1.0-SSH_Version_Mapper.  Don't panic.", "?", "failure"},
	{"probed from 203.0.113.66 port 42024 with SSH-2.0-x.  Don't panic.", "?", "failure"},
	{"Unable to negotiate with 203.0.113.66 port 42024: no matching key exchange method found. Their offer: diffie-hellman-group1-sha1 [preauth]", "?", "failure"},
	{"Unable to negotiate with 203.0.113.66: no matching cipher found. Their offer: aes256-cbc [preauth]", "?", "failure"},
	{"ssh_dispatch_run_fatal: Connection from 203.0.113.66 port 42024: message authentication code incorrect [preauth]", "?", "failure"},
	{"ssh_dispatch_run_fatal: Connection from authenticating user bob 203.0.113.66 port 42024: Broken pipe [preauth]", "bob", "failure"},
	{"Timeout before authentication for 203.0.113.66", "?", "failure"},
	{"Timeout before authentication for 203.0.113.66 port 42024", "?", "failure"},
	{"Timeout before authentication for connection from 203.0.113.66 to 192.0.2.10, pid = 29098", "?", "failure"},
	{"drop connection #10 from [203.0.113.66]:50352 on [192.0.2.10]:22 penalty: failed authentication", "?", "failure"},
	{"drop connection #3 from [203.0.113.66]:50352 on [192.0.2.10]:22 past MaxStartups", "?", "failure"},
	{"refused connect from 203.0.113.66", "?", "failure"},
	{"refused connect from host.example.net (203.0.113.66)", "?", "failure"},
	{"srclimit_penalise: ipv4: new 203.0.113.66/32 deferred penalty of 5 seconds for penalty: failed authentication", "?", "failure"},
	{"reverse mapping checking getaddrinfo for evil.example [203.0.113.66] failed - POSSIBLE BREAK-IN ATTEMPT!", "?", "failure"},
	{"reverse mapping checking getaddrinfo for evil.example [203.0.113.66] failed.", "?", "failure"},
	{"Nasty PTR record \"192.0.2.1\" is set up for 203.0.113.66, ignoring", "?", "failure"},
	{"Address 203.0.113.66 maps to evil.example, but this does not map back to the address.", "?", "failure"},
	{"message repeated 5 times: [ Failed password for bob from 203.0.113.66 port 42024 ssh2]", "bob", "failure"},
}

// TestEverySSHDBodyGivesItsClientBehindEveryHead has each head with each body.
func TestEverySSHDBodyGivesItsClientBehindEveryHead(t *testing.T) {
	if len(sshdHeads) < 35 || len(bodies) < 90 {
		t.Fatalf("%d heads, %d bodies", len(sshdHeads), len(bodies))
	}
	for _, h := range sshdHeads {
		for _, b := range bodies {
			if strings.HasSuffix(h.head, "error: ") && strings.HasPrefix(b.body, "message repeated") {
				continue // syslog's words come before the daemon's
			}
			d := decoder(t, "sshd")
			e := d.Raw(h.head + b.body)
			ip, domain, outcome := value(&e, "network.client.ip"), value(&e, "network.client.domain"), value(&e, "evt.outcome")
			if ip != "203.0.113.66" && (ip != "?" || domain != "host.example.net") || value(&e, "usr.id") != b.user || strings.TrimPrefix(outcome, "?") != b.outcome || !e.Has("evt.name") {
				t.Errorf("%s\n%s", e.Message, show(e))
			}
			want := h.at
			if want == "" {
				want = schema.MillisOf(testNow).String()
			}
			if e.At.String() != want || e.Host != h.host {
				t.Errorf("%s: at %s, host %q, want %s, %q", e.Message, e.At, e.Host, want, h.host)
			}
		}
	}
}

// TestSSHDTextsWithoutAClient have an event, and no address or user that there is
// none of.
func TestSSHDTextsWithoutAClient(t *testing.T) {
	for body, want := range map[string]string{
		"PAM service(sshd) ignoring max retries; 6 > 3":                                                                         "evt.category=authentication evt.name=pam_max_retries evt.outcome=failure",
		"fatal: Write failed: Connection reset by peer [preauth]":                                                               "evt.category=session evt.name=ssh_write_failed evt.outcome=failure ssh.preauth=true",
		"User bob not allowed because account is locked":                                                                        "evt.category=authentication evt.name=ssh_user_not_allowed evt.outcome=failure usr.id=bob usr.name=bob",
		"User bob not allowed because shell /bin/false does not exist":                                                          "evt.category=authentication evt.name=ssh_user_not_allowed evt.outcome=failure usr.id=bob usr.name=bob",
		"Disconnecting: Too many authentication failures for bob [preauth]":                                                     "evt.category=session evt.name=ssh_disconnecting evt.outcome=failure ssh.preauth=true usr.id=bob usr.name=bob",
		"Disconnecting: Too many authentication failures for invalid user bob [preauth]":                                        "evt.category=session evt.name=ssh_disconnecting evt.outcome=failure ssh.invalid_user=true ssh.preauth=true usr.id=bob usr.name=bob",
		"fatal: Access denied for user bob by PAM account configuration [preauth]":                                              "evt.category=authentication evt.name=ssh_access_denied evt.outcome=failure ssh.preauth=true usr.id=bob usr.name=bob",
		"pam_sss(sshd:auth): received for user bob: 7 (Authentication failure)":                                                 "evt.category=authentication evt.name=pam_authentication_failure evt.outcome=failure usr.id=bob usr.name=bob",
		"pam_faillock(sshd:auth): Consecutive login failures for user bob account temporarily locked":                           "evt.category=authentication evt.name=pam_account_locked evt.outcome=failure usr.id=bob usr.name=bob",
		"pam_succeed_if(sshd:auth): requirement \"uid >= 1000\" not met by user \"root\"":                                       "evt.category=authentication evt.name=pam_requirement_not_met evt.outcome=failure usr.id=root usr.name=root",
		"subsystem request for sftp by user bob":                                                                                "evt.category=session evt.name=ssh_subsystem_request usr.id=bob usr.name=bob",
		"kex_exchange_identification: Connection closed by remote host":                                                         "evt.category=session evt.name=ssh_no_identification evt.outcome=failure",
		"Connection closed by UNKNOWN port 65535":                                                                               "evt.category=session evt.name=ssh_connection_closed",
		"Accepted certificate ID \"x for root from 6.6.6.6 port 22 ssh2\" (serial 0) signed by RSA CA SHA256:a via /etc/ssh/ca": "evt.category=authentication evt.name=ssh_certificate_accepted",
	} {
		d := decoder(t, "sshd")
		e := d.Raw("Nov 14 22:13:20 web sshd[10]: " + body)
		if got := clean(strings.Replace(show(e), "process.name=sshd process.pid=10", "", 1)); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

// attacks are the daemon's texts with the client's in their place: %[1]s. The
// daemon's address is 192.0.2.1.
var attacks = []string{
	"Failed password for invalid user %[1]s from 192.0.2.1 port 7 ssh2",
	"Failed none for illegal user %[1]s from 192.0.2.1 port 7 ssh2 [preauth]",
	"Failed publickey for invalid user %[1]s from 192.0.2.1 port 7 ssh2: RSA SHA256:abc",
	"Failed publickey for root from 192.0.2.1 port 7 ssh2: RSA-CERT SHA256:abc ID %[1]s (serial 0) CA RSA SHA256:def",
	"Accepted publickey for root from 192.0.2.1 port 7 ssh2: ED25519-CERT SHA256:abc ID %[1]s (serial 18446744073709551615) CA ED25519 SHA256:def",
	"Accepted hostbased for root from 192.0.2.1 port 7 ssh2: RSA SHA256:abc, client user \"%[1]s\", client host \"%[1]s\"",
	"error: maximum authentication attempts exceeded for invalid user %[1]s from 192.0.2.1 port 7 ssh2 [preauth]",
	"Invalid user %[1]s from 192.0.2.1",
	"Invalid user %[1]s from 192.0.2.1 port 7",
	"input_userauth_request: invalid user %[1]s",
	"Connection closed by invalid user %[1]s 192.0.2.1 port 7 [preauth]",
	"Connection reset by invalid user %[1]s 192.0.2.1 port 7 [preauth]",
	"Disconnected from invalid user %[1]s 192.0.2.1 port 7 [preauth]",
	"Disconnecting invalid user %[1]s 192.0.2.1 port 7: Too many authentication failures [preauth]",
	"Disconnecting authenticating user root 192.0.2.1 port 7: Change of username or service not allowed: (root,ssh-connection) -> (%[1]s,ssh-connection) [preauth]",
	"Disconnecting invalid user %[1]s 192.0.2.1 port 7: Change of username or service not allowed: (%[1]s,ssh-connection) -> (%[1]s,ssh-connection) [preauth]",
	"ssh_dispatch_run_fatal: Connection from invalid user %[1]s 192.0.2.1 port 7: message authentication code incorrect [preauth]",
	"Read error from remote host invalid user %[1]s 192.0.2.1 port 7: Connection reset by peer",
	"Connection from invalid user %[1]s 192.0.2.1 port 7 timed out",
	"Timeout, client not responding from invalid user %[1]s 192.0.2.1 port 7",
	"Received disconnect from 192.0.2.1 port 7:11: %[1]s [preauth]",
	"Received disconnect from 192.0.2.1: 11: %[1]s",
	"Bad protocol version identification '%[1]s' from 192.0.2.1 port 7",
	"Bad remote protocol version identification: '%[1]s'",
	"Protocol major versions differ for 192.0.2.1 port 7: SSH-2.0-OpenSSH_9.2 vs. %[1]s",
	"scanned from 192.0.2.1 port 7 with %[1]s.  Don't panic.",
	"probed from 192.0.2.1 with %[1]s.  Don't panic.",
	"Unable to negotiate with 192.0.2.1 port 7: no matching cipher found. Their offer: %[1]s [preauth]",
	"no matching cipher found: client %[1]s server aes256-ctr [preauth]",
	"error: kex_exchange_identification: client sent invalid protocol identifier \"%[1]s\"",
	"error: PAM: Authentication failure for illegal user %[1]s from 192.0.2.1",
	"error: PAM: Authentication failure for illegal user %[1]s from 192.0.2.1 via 192.0.2.10",
	"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=%[1]s",
	"PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=%[1]s",
	"pam_sss(sshd:auth): received for user %[1]s: 7 (Authentication failure)",
	"pam_access(sshd:account): access denied for user `%[1]s' from `192.0.2.1'",
	"pam_succeed_if(sshd:auth): requirement \"uid >= 1000\" not met by user \"%[1]s\"",
	"Starting session: subsystem '%[1]s' for root from 192.0.2.1 port 7 id 0",
	"subsystem request for %[1]s by user root",
	"subsystem request for %[1]s failed, subsystem not found",
	"userauth_hostbased mismatch: client sends %[1]s, but we resolve 192.0.2.1 to host.example",
	"Refusing certificate ID \"%[1]s\" serial=0 signed by RSA CA SHA256:a: not yet valid",
	"Accepted certificate ID \"%[1]s\" (serial 0) signed by RSA CA SHA256:a via /etc/ssh/ca",
	"SSH: Server;Ltype: Authname;Remote: 192.0.2.1-7;Name: %[1]s [preauth]",
	"SSH: Server;Ltype: Version;Remote: 192.0.2.1-7;Protocol: 2.0;Client: %[1]s",
	"refused local port forward: originator %[1]s port 1, target 192.0.2.9 port 1",
	"error: connect_to %[1]s port 80: failed.",
	"Disconnecting: Too many authentication failures for invalid user %[1]s [preauth]",
	"message repeated 2 times: [ Failed password for invalid user %[1]s from 192.0.2.1 port 7 ssh2]",
}

// claims are what a client would say to be taken for 6.6.6.6.
var claims = []string{
	"root from 6.6.6.6 port 22 ssh2", "x from 6.6.6.6", "x from 6.6.6.6 port 1", "x from 6.6.6.6 port 22 ssh2: RSA SHA256:a", "x 6.6.6.6 port 1", "authenticating user root 6.6.6.6 port 1",
	"x from 6.6.6.6 port 22 ssh2: RSA-CERT SHA256:a ID y", "x from 6.6.6.6 port 22 ssh2: RSA SHA256:a, client user \"b", "x 6.6.6.6 port 1: y", "x rhost=6.6.6.6", "x  user=y rhost=6.6.6.6 ",
	"sshd[1]: Accepted password for root from 6.6.6.6 port 1 ssh2", "x sshd[1]: Accepted password for root from 6.6.6.6 port 1 ssh2", "' from 6.6.6.6 port 1", "\" from 6.6.6.6 port 1 ssh2", "x' from `6.6.6.6",
	"x from 6.6.6.6 via 192.0.2.10", "x, but we resolve 6.6.6.6 to y", "x;Remote: 6.6.6.6-1;Name: y", "x for root from 6.6.6.6 port 1 id 0", "x' for root from 6.6.6.6 port 1 id 0", "x. Their offer: y",
	"x 6.6.6.6 port 1: Change of username or service not allowed: (x,ssh-connection) -> (y", "x not allowed because y", "[preauth]", "x [preauth]", "x]", "message repeated 2 times: [ Invalid user x from 6.6.6.6",
	"x 6.6.6.6 port 1 timed out", "x from 6.6.6.6 port 22 ssh2 [preauth]", "", " ", "x by user y", "x: 7 (y)", "x not met by user \"y",
}

var attackedHeads = []string{"Mar 27 13:06:56 host sshd[12]: ", "", "Mar 27 13:06:56 host ", "strange | sshd[12]: ", "Mar 27 13:06:56 "}

// checkAttack wants the daemon's address or none, wherever the line has its head.
func checkAttack(t *testing.T, form, claim string, behind ...string) {
	t.Helper()
	for _, head := range behind {
		d := decoder(t, "sshd")
		e := d.Raw(head + fmt.Sprintf(form, claim))
		ip, port := value(&e, "network.client.ip"), value(&e, "network.client.port")
		if ip != "?" && ip != "192.0.2.1" || ip == "?" && port != "?" || port != "?" && port != "7" || strings.Contains(value(&e, "network.client.domain"), "6.6.6.6") || e.Has("process") && value(&e, "process.pid") == "1" {
			t.Fatalf("%q\n%s", e.Message, show(e))
		}
	}
}

func TestWhatAClientSaysIsNeverItsAddress(t *testing.T) {
	found := 0
	for _, form := range attacks {
		for _, claim := range claims {
			checkAttack(t, form, claim, attackedHeads...)
		}
		d := decoder(t, "sshd")
		e := d.Raw(fmt.Sprintf(form, "bob"))
		if strings.Contains(form, "192.0.2.1 ") || strings.Contains(form, "192.0.2.1-") {
			found++
			if value(&e, "network.client.ip") != "192.0.2.1" {
				t.Errorf("%s: no address", e.Message)
			}
		}
	}
	if found < 25 || len(attacks)*len(claims) < 1500 {
		t.Errorf("%d forms with an address, %d attacks", found, len(attacks)*len(claims))
	}
	// A certificate's id that is cut off by the length of the daemon's texts.
	long := strings.Repeat("x", 880) + " from 6.6.6.6 port 22 ssh2"
	checkAttack(t, "Failed publickey for root from 192.0.2.1 port 7 ssh2: RSA-CERT SHA256:abc ID %[1]s", long, attackedHeads...)
	checkAttack(t, "Failed publickey for invalid user x from 192.0.2.1 port 7 ssh2: RSA-CERT SHA256:abc ID %[1]s", long, attackedHeads...)
	checkAttack(t, "Failed publickey for invalid user x from 192.0.2.1 port 7 ssh2: RSA-CERT SHA256:abc ID %[1]s (serial 0) CA RSA SHA256:def", "x from 6.6.6.6 port 22 ssh2", attackedHeads...)
	checkAttack(t, "Failed publickey for invalid user x from 192.0.2.1 port 7 ssh2: RSA-CERT SHA256:abc ID %[1]s (serial 0) CA RSA SHA256:def", "x from 6.6.6.6 port 22 ssh2: RSA-CERT SHA256:a ID y", attackedHeads...)
}

// TestSSHDLinesThatWentWrong are those of ../shared/faults.
func TestSSHDLinesThatWentWrong(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, filepath.Join("faults", "04-sshd-lines-not-read", "events.ndjson")))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	users := map[int]string{0: "root", 1: "root", 2: "bob", 3: "bob", 5: "root", 6: "root"}
	for i, line := range lines {
		d := decoder(t, "")
		d.Offline = true
		events, err := d.JSON([]byte(line))
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		e := events[0]
		ip, domain := value(&e, "network.client.ip"), value(&e, "network.client.domain")
		if ip != "203.0.113.66" && domain != "host.example.net" || value(&e, "evt.outcome") != "failure" || users[i] != "" && value(&e, "usr.id") != users[i] {
			t.Errorf("line %d: %s\n%s", i+1, e.Message, show(e))
		}
	}
	if len(lines) != 9 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestLongLinesOfSSHDCostNoMoreThanTheirLength would take minutes.
func TestLongLinesOfSSHDCostNoMoreThanTheirLength(t *testing.T) {
	for _, piece := range []string{" from ", " from 1.2.3.4", " port 1: ", "sshd[1]: ", " ssh2: ", "'", " for ", "x 6.6.6.6 port 1: Change of username or service not allowed: (x,"} {
		for _, form := range attacks {
			d := decoder(t, "sshd")
			d.Raw(fmt.Sprintf(form, strings.Repeat(piece, (16<<10-300)/len(piece)/3)))
			d.Raw(fmt.Sprintf(form, strings.Repeat(piece, (1<<20)/len(piece))))
		}
	}
}

func FuzzSSHD(f *testing.F) {
	f.Add("Mar 27 13:06:56 host sshd[12]: Failed password for invalid user x from 1.2.3.4 port 5 ssh2", uint16(7))
	f.Add("Failed password for  from  from 1.2.3.4 port 5 ssh2 [preauth]", uint16(7))
	f.Add("message repeated 2 times: [ Connection closed by invalid user  ::1 port 5 [preauth]]", uint16(7))
	f.Add("<1>1 2020-03-27T13:06:56.5Z h sshd 1 - - Disconnecting authenticating user a 1.1.1.1 port 1: Too many", uint16(7))
	for _, c := range claims {
		f.Add(c, uint16(0))
	}
	f.Fuzz(func(t *testing.T, line string, pick uint16) {
		d := decoder(t, "sshd")
		e := d.Raw(line)
		if a, err := schema.ParseAttributes(e.JSON); err != nil || len(a.Leaves) != len(e.Leaves) {
			t.Fatalf("%q: attributes %s do not read back: %v", line, e.JSON, err)
		}
		// Whatever the client says, the address is the one sshd wrote. It keeps 100
		// bytes of a name.
		claim := strings.NewReplacer("\n", "", "\r", "").Replace(line)
		claim = claim[:min(len(claim), 100)]
		if strings.Contains(claim, "192.0.2.1") {
			return
		}
		checkAttack(t, attacks[int(pick)%len(attacks)], claim, attackedHeads[int(pick)/len(attacks)%len(attackedHeads)])
		name := strings.TrimRight(claim, " ")
		for _, form := range []string{"Failed password for invalid user %s from 192.0.2.1 port 7 ssh2", "Invalid user %s from 192.0.2.1 port 7", "Connection closed by invalid user %s 192.0.2.1 port 7 [preauth]"} {
			e := d.Raw("Mar 27 13:06:56 host sshd[12]: " + fmt.Sprintf(form, name))
			if value(&e, "network.client.ip") != "192.0.2.1" || value(&e, "network.client.port") != "7" || value(&e, "usr.name") != asRulesSee(name) {
				t.Fatalf("%q\n%s", e.Message, show(e))
			}
		}
	})
}

// asRulesSee is a text as grok sees it: control characters as JSON writes them.
func asRulesSee(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r < 0x20 && r != '\t' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
