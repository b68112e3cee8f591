package content

import (
	"strings"
	"testing"

	"nightjar/schema"
)

// TestEventsOfAuditdHaveAttributes has events of several records, and a single line.
func TestEventsOfAuditdHaveAttributes(t *testing.T) {
	set := bundled(t)
	for _, c := range []struct{ lines, want string }{
		{strings.Join([]string{
			`node=h1 type=SYSCALL msg=audit(1700000000.243:7): arch=c000003e syscall=59 success=yes exit=0 a0=5 items=2 ppid=10 pid=11 auid=1000 uid=0 comm="cat" exe="/usr/bin/cat" key=6B31016B32`,
			`node=h1 type=EXECVE msg=audit(1700000000.243:7): argc=2 a0="cat" a1=2F746D702F61206220`,
			`node=h1 type=CWD msg=audit(1700000000.243:7): cwd="/root"`,
			`node=h1 type=PATH msg=audit(1700000000.243:7): item=0 name="/usr/bin/cat" inode=5`,
			`node=h1 type=PATH msg=audit(1700000000.243:7): item=1 name="/lib/ld.so"`,
			`node=h1 type=PROCTITLE msg=audit(1700000000.243:7): proctitle=636174002F746D70`,
			`node=h1 type=EOE msg=audit(1700000000.243:7):`}, "\n"),
			`2023-11-14T22:13:20.243Z h1 {"auditd":{"serial":7,"types":["syscall","execve","cwd","path","proctitle"],` +
				`"syscall":{"arch":"c000003e","syscall":59,"success":"yes","exit":0,"a0":"5","items":2,"ppid":10,"pid":11,"auid":1000,"uid":0,"comm":"cat","exe":"/usr/bin/cat","key":["k1","k2"]},` +
				`"execve":{"argc":2,"args":["cat","/tmp/a b "]},"cwd":{"cwd":"/root"},"path":[{"item":0,"name":"/usr/bin/cat","inode":5},{"item":1,"name":"/lib/ld.so"}],"proctitle":{"proctitle":"cat /tmp"}},` +
				`"evt":{"name":"syscall","outcome":"success"},"process":{"pid":11,"ppid":10,"name":"cat","executable":{"path":"/usr/bin/cat"},"args":["cat","/tmp/a b "],"command_line":"cat /tmp/a b ","working_directory":"/root"},"usr":{"id":"1000"}}`},
		{`type=USER_LOGIN msg=audit(1700000000.001:2): pid=3280 uid=0 auid=4294967295 msg='op=login acct="root" hostname=? addr=192.0.2.1 res=failed'`,
			`2023-11-14T22:13:20.001Z  {"auditd":{"serial":2,"types":["user_login"],"user_login":{"pid":3280,"uid":0,"auid":4294967295,"op":"login","acct":"root","addr":"192.0.2.1","res":"failed"}},` +
				`"evt":{"name":"user_login","outcome":"failure","category":"authentication"},"process":{"pid":3280},"network":{"client":{"ip":"192.0.2.1"}},"usr":{"id":"root","name":"root"}}`},
		{`type=SOCKADDR msg=audit(1700000000.000:2): saddr=020001BBC00002010000000000000000`,
			`2023-11-14T22:13:20.000Z  {"auditd":{"serial":2,"types":["sockaddr"],"sockaddr":{"saddr":"020001BBC00002010000000000000000","address":"192.0.2.1","port":443}},"evt":{"name":"sockaddr","category":"network"},"network":{"destination":{"ip":"192.0.2.1","port":443}}}`},
		{`type=USER_CMD msg=audit(1700000000.000:2): pid=1 uid=1000 auid=4294967295 msg='cwd="/" cmd=6964202D75 res=success'`,
			`2023-11-14T22:13:20.000Z  {"auditd":{"serial":2,"types":["user_cmd"],"user_cmd":{"pid":1,"uid":1000,"auid":4294967295,"cwd":"/","cmd":"id -u","res":"success"}},"evt":{"name":"user_cmd","outcome":"success","category":"process"},"process":{"pid":1,"command_line":"id -u","working_directory":"/"},"usr":{"id":"1000"}}`},
		{`no record`, `2026-01-01T00:00:00.000Z  {}`},
	} {
		e := decoded(t, set, "auditd", c.lines)
		text := withoutOwn(t, &e)
		if got := e.At.String() + " " + e.Host + " " + text; got != c.want || e.Message != c.lines {
			t.Errorf("%s\n got %s\nwant %s", c.lines, got, c.want)
		}
		again := decoded(t, set, "", `{"ddsource":"auditd","message":`+schema.QuoteJSON(c.lines)+`}`)
		if withoutOwn(t, &again) != text || again.At != e.At || again.Host != e.Host || again.Source != "auditd" {
			t.Errorf("as JSON: %s %s", again.At, again.JSON)
		}
	}
}

// withoutOwn are an event's attributes but for what the engine says itself.
func withoutOwn(t *testing.T, e *schema.Event) string {
	t.Helper()
	text, _, _ := strings.Cut(e.JSON, `,"nightjar":`)
	if text == e.JSON {
		if strings.HasPrefix(text, `{"nightjar":`) {
			return "{}"
		}
		return text
	}
	return text + "}"
}
