package sink

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/notify"
	"nightjar/schema"
)

const hostile = "<!channel> <@U1> [x](http://evil.example) <script>alert(1)</script> {noformat} \r\nBcc: all@example.org"

func news(kind notify.Kind) notify.News {
	return notify.News{ID: "id", Target: "@x", Kind: kind, About: notify.About{
		SignalID: "S1", Title: "Login " + hostile, Severity: "high", RuleID: "r", RuleName: "Rule", Message: hostile, Group: []string{hostile},
		FirstSeen: schema.Millis(1), LastSeen: schema.Millis(2), Events: 3, Samples: []string{hostile}, URL: "https://nightjar.example/signals/S1",
	}}
}

// heard is what a server was sent.
type heard struct {
	method, path string
	header       http.Header
	body         map[string]any
	list         []any
}

func server(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*httptest.Server, *[]heard) {
	var all []heard
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		h := heard{method: r.Method, path: r.URL.RequestURI(), header: r.Header}
		if json.Unmarshal(text, &h.body) != nil {
			_ = json.Unmarshal(text, &h.list)
		}
		all = append(all, h)
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s, &all
}

func teller(t *testing.T) Teller {
	c, err := outbound.New(outbound.Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIGHTJAR_SECRET_S", "hush")
	return Teller{Client: c, Secrets: outbound.Secrets{Dir: t.TempDir()}, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
}

// path is a member of a document, by dots.
func path(v any, names string) any {
	for _, name := range strings.Split(names, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			fmt.Sscan(name, &i)
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func TestEachTypeIsToldInItsOwnWords(t *testing.T) {
	tell := teller(t)
	s, all := server(t, nil)
	for _, c := range []struct {
		kind notify.Kind
		t    configuration.NotificationTarget
		at   string
		want map[string]any
	}{
		{notify.Opened, configuration.NotificationTarget{Type: "webhook"}, "/", map[string]any{"signal_id": "S1", "kind": "opened", "severity": "high", "rule_id": "r", "url": "https://nightjar.example/signals/S1", "first_seen": 1.0}},
		{notify.Opened, configuration.NotificationTarget{Type: "webhook", Template: `{"text":"{{severity}} {{ title }}","n":[1,"{{signal_id}}"]}`}, "/", map[string]any{"n.1": "S1", "text": "high Login " + hostile}},
		{notify.Opened, configuration.NotificationTarget{Type: "slack"}, "/", map[string]any{"blocks.0.type": "section"}},
		{notify.Opened, configuration.NotificationTarget{Type: "teams"}, "/", map[string]any{"attachments.0.contentType": "application/vnd.microsoft.card.adaptive"}},
		{notify.Opened, configuration.NotificationTarget{Type: "pagerduty", Secret: "secret:s"}, "/", map[string]any{"event_action": "trigger", "routing_key": "hush", "dedup_key": "nightjar-S1", "payload.severity": "error"}},
		{notify.Resolved, configuration.NotificationTarget{Type: "pagerduty", Secret: "secret:s"}, "/", map[string]any{"event_action": "resolve", "dedup_key": "nightjar-S1", "payload": nil}},
		{notify.Opened, configuration.NotificationTarget{Type: "opsgenie", Secret: "secret:s"}, "/", map[string]any{"alias": "nightjar-S1", "priority": "P2"}},
		{notify.Archived, configuration.NotificationTarget{Type: "opsgenie", Secret: "secret:s"}, "/nightjar-S1/close?identifierType=alias", map[string]any{"source": "nightjar"}},
	} {
		*all = nil
		c.t.URL = s.URL + "/"
		o := tell.Tell(context.Background(), c.t, "key", []notify.News{news(c.kind)})
		if !o.Done || len(*all) != 1 {
			t.Errorf("%s: %+v after %d requests", c.t.Type, o, len(*all))
			continue
		}
		h := (*all)[0]
		if h.path != c.at || h.header.Get("Idempotency-Key") != "key" {
			t.Errorf("%s: %s %s %v", c.t.Type, h.method, h.path, h.header)
		}
		for names, want := range c.want {
			if got := path(h.body, names); got != want {
				t.Errorf("%s: %s is %v, want %v", c.t.Type, names, got, want)
			}
		}
		text, _ := json.Marshal(h.body)
		shown := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
		if c.t.Type == "slack" && (strings.Contains(shown, "<!channel>") || strings.Contains(shown, "<@U1>")) {
			t.Errorf("slack is sent %s", shown)
		}
		if c.t.Type == "teams" && strings.Contains(shown, "[x](") {
			t.Errorf("teams is sent %s", shown)
		}
	}
	*all = nil
	o := tell.Tell(context.Background(), configuration.NotificationTarget{Type: "alertmanager", URL: s.URL}, "key", []notify.News{news(notify.Resolved)})
	if h := *all; !o.Done || len(h) != 1 || h[0].path != "/api/v2/alerts" || path(h[0].list, "0.labels.signal_id") != "S1" || path(h[0].list, "0.endsAt") != "2027-01-15T08:00:00Z" {
		t.Errorf("alertmanager: %+v %+v", o, h)
	}
}

// TestATemplateMayNameAllThatIsPromised asks for every field in one.
func TestATemplateMayNameAllThatIsPromised(t *testing.T) {
	template := `["{{` + strings.Join(configuration.TemplateFields, `}}","{{`) + `}}"]`
	what := &telling{target: configuration.NotificationTarget{Type: "webhook", Template: template}, news: []notify.News{news(notify.Opened)}}
	if made, err := webhook(what); err != nil || strings.Contains(string(made[0].Body), "{{") {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestNothingEndsTheBlockOfAnIssue that shows what events say as it is.
func TestNothingEndsTheBlockOfAnIssue(t *testing.T) {
	tell := teller(t)
	s, all := server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/search") && r.URL.Query().Get("jql") == `labels = "nightjar-S1"` {
			fmt.Fprint(w, `{"issues":[{"key":"SEC-1"}]}`)
		}
	})
	target := configuration.NotificationTarget{Type: "jira", URL: s.URL, Project: "SEC", IssueType: "Task", Secret: "secret:s"}
	for _, text := range []string{"{noformat}", "{nofor{noformat}mat}", "{noformat:nopanel=true}", "{NoFormat}"} {
		for _, kind := range []notify.Kind{notify.Opened, notify.Resolved} {
			n := news(kind)
			n.About.Title, n.About.Message, n.About.RuleName = text, text, text
			if kind == notify.Opened {
				n.About.SignalID = "S2"
			}
			*all = nil
			if o := tell.Tell(context.Background(), target, "key", []notify.News{n}); !o.Done {
				t.Fatalf("%+v", o)
			}
			body := (*all)[len(*all)-1].body
			shown, _ := path(body, "fields.description").(string)
			if kind == notify.Resolved {
				shown, _ = body["body"].(string)
			}
			if got := strings.Count(strings.ToLower(shown), "{noformat"); got != 2 {
				t.Errorf("%s, %s: %d ends in %q", kind, text, got, shown)
			}
		}
	}
}

func TestAnIssueIsOpenedOnce(t *testing.T) {
	tell := teller(t)
	made, comments := 0, 0
	s, all := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/search") && made > 0:
			fmt.Fprint(w, `{"issues":[{"key":"SEC-1"}]}`)
		case strings.HasSuffix(r.URL.Path, "/search"):
			fmt.Fprint(w, `{"issues":[]}`)
		case strings.HasSuffix(r.URL.Path, "/comment"):
			comments++
		default:
			if made++; made == 1 {
				w.WriteHeader(http.StatusBadGateway) // it was made, and the answer is lost
			}
		}
	})
	target := configuration.NotificationTarget{Type: "jira", URL: s.URL, Project: "SEC", IssueType: "Task", Secret: "secret:s"}
	for i, want := range []bool{false, true, true} {
		if o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Opened)}); o.Done != want || o.Refused {
			t.Errorf("attempt %d: %+v", i, o)
		}
	}
	if o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Resolved)}); !o.Done || made != 1 || comments != 1 {
		t.Errorf("%+v: %d issues, %d comments", o, made, comments)
	}
	if got := (*all)[0].header.Get("Authorization"); got != "Basic aHVzaA==" {
		t.Errorf("authorized by %q", got)
	}
}

func TestWhatTargetsAnswerDecides(t *testing.T) {
	tell := teller(t)
	var code int
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		fmt.Fprint(w, "because\r\nof \x1b[31m")
	})
	for c, want := range map[int]notify.Outcome{
		200: {Done: true}, 202: {Done: true}, 400: {Refused: true}, 401: {Refused: true}, 404: {Refused: true},
		429: {RetryAfter: 7 * time.Second}, 500: {RetryAfter: 7 * time.Second}, 503: {RetryAfter: 7 * time.Second}, 408: {RetryAfter: 7 * time.Second},
	} {
		code = c
		o := tell.Tell(context.Background(), configuration.NotificationTarget{Type: "webhook", URL: s.URL}, "key", []notify.News{news(notify.Opened)})
		if o.Done != want.Done || o.Refused != want.Refused || o.RetryAfter != want.RetryAfter || !strings.Contains(o.Answer, fmt.Sprint(c)) || strings.ContainsAny(o.Answer, "\r\n\x1b") {
			t.Errorf("%d: %+v", c, o)
		}
	}
	o := tell.Tell(context.Background(), configuration.NotificationTarget{Type: "webhook", URL: "http://127.0.0.1:1/path?key=hush"}, "key", []notify.News{news(notify.Opened)})
	if o.Done || o.Refused || strings.Contains(o.Answer, "hush") {
		t.Errorf("nobody listens: %+v", o)
	}
	guarded, err := outbound.New(outbound.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tell.Client = guarded
	if o := tell.Tell(context.Background(), configuration.NotificationTarget{Type: "webhook", URL: s.URL}, "key", []notify.News{news(notify.Opened)}); !o.Refused {
		t.Errorf("a private target: %+v", o)
	}
}

// TestADigestListsAllItsSignals within what a message of the type may hold.
func TestADigestListsAllItsSignals(t *testing.T) {
	tell := teller(t)
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer s.Close()
	for kind, most := range map[string]int{"slack": 100_000, "teams": 28_000, "opsgenie": 30_000, "pagerduty": 512_000, "webhook": 4 << 20} {
		var all []notify.News
		for i := range notify.PerDigest("@" + kind + "-x") {
			n := news(notify.Opened)
			n.About.SignalID, n.About.Message, n.About.Samples, n.Digest = fmt.Sprintf("signal%08d", i), "m", nil, "d"
			n.About.URL, n.About.Group = "https://nightjar.example.com/signals/"+n.About.SignalID, []string{"a user@example.com from 203.0.113.99"}
			all = append(all, n)
		}
		o := tell.Tell(context.Background(), configuration.NotificationTarget{Type: kind, URL: s.URL, Secret: "secret:s"}, "key", all)
		if !o.Done || len(body) > most {
			t.Errorf("%s: %+v of %d bytes, at most %d", kind, o, len(body), most)
		}
		for _, n := range all {
			if !strings.Contains(string(body), n.About.SignalID) {
				t.Errorf("%s: a digest of %d does not list %s", kind, len(all), n.About.SignalID)
				break
			}
		}
		var message struct {
			Description string
			Blocks      []struct{ Text struct{ Text string } }
		}
		if err := json.Unmarshal(body, &message); err != nil || len(message.Blocks) > 50 || len(message.Description) > 15_000 {
			t.Errorf("%s: %d blocks, a description of %d, %v", kind, len(message.Blocks), len(message.Description), err)
		}
		for _, b := range message.Blocks {
			if len([]rune(b.Text.Text)) > 3000 {
				t.Errorf("%s: a section of %d characters", kind, len(b.Text.Text))
			}
		}
	}
}

// TestSectionsAreNeitherEmptyNorTooLong, which Slack would refuse.
func TestSectionsAreNeitherEmptyNorTooLong(t *testing.T) {
	long := strings.Repeat("é", 4000)
	for _, lines := range [][]string{{long}, {long, long}, {"a", long, "b"}, {"", "a"}, {"a", ""}, {strings.Repeat("x", 2899), "b"}} {
		for _, text := range slackSections(lines) {
			if n := len([]rune(text)); n == 0 || n > 3000 {
				t.Errorf("a section of %d characters of lines of %d", n, len(lines))
			}
		}
	}
}

// TestAnAnswerShowsNoSecret of a target that says all that it was sent.
func TestAnAnswerShowsNoSecret(t *testing.T) {
	tell := teller(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, r.URL, " ", r.Header, " ", string(body))
	}))
	defer s.Close()
	t.Setenv("NIGHTJAR_SECRET_HEADER", "psst")
	t.Setenv("NIGHTJAR_SECRET_AT", s.URL+"/services/T0/whisper")
	for _, target := range []configuration.NotificationTarget{
		{Type: "slack", URL: "secret:at"}, {Type: "webhook", URL: s.URL, Headers: map[string]string{"X-Key": "secret:header"}},
		{Type: "pagerduty", URL: s.URL, Secret: "secret:s"}, {Type: "opsgenie", URL: s.URL, Secret: "secret:s"}, {Type: "jira", URL: s.URL, Secret: "secret:s"},
	} {
		o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Opened)})
		for _, secret := range []string{"hush", "aHVzaA==", "psst", "whisper"} {
			if !o.Refused || strings.Contains(o.Answer, secret) {
				t.Errorf("%s: %+v", target.Type, o)
			}
		}
	}
}

// mailServer takes mail by SMTP, and answers as it is told.
func mailServer(t *testing.T, answer string) (address string, mails *[]string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	mails = new([]string)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprint(c, "220 x ESMTP\r\n")
				var text strings.Builder
				inData := false
				for in := bufio.NewScanner(c); in.Scan(); {
					line := in.Text()
					switch {
					case inData && line == ".":
						inData = false
						mu.Lock()
						*mails = append(*mails, text.String())
						mu.Unlock()
						fmt.Fprint(c, answer+"\r\n")
					case inData:
						text.WriteString(line + "\n")
					case line == "DATA":
						inData = true
						fmt.Fprint(c, "354 go on\r\n")
					case line == "QUIT":
						fmt.Fprint(c, "221 bye\r\n")
						return
					default:
						fmt.Fprint(c, "250 ok\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String(), mails
}

func TestMailIsPlainAndOneOfIt(t *testing.T) {
	tell := teller(t)
	address, mails := mailServer(t, "250 taken")
	target := configuration.NotificationTarget{Type: "email", To: []string{"soc@example.org"}, From: "nightjar@example.org", Server: address, TLS: "none"}
	if o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Opened)}); !o.Done {
		t.Fatalf("%+v", o)
	}
	m := (*mails)[0]
	head, body, _ := strings.Cut(m, "\n\n")
	if strings.Contains(head, "\nBcc:") || !strings.Contains(head, "<key@nightjar>") || !strings.Contains(head, "text/plain") || strings.Contains(head, "text/html") {
		t.Errorf("its head is %s", head)
	}
	if !strings.Contains(body, "signals/S1") {
		t.Errorf("its body is %s", body)
	}
	busy, _ := mailServer(t, "451 later")
	target.Server = busy
	if o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Opened)}); o.Done || o.Refused {
		t.Errorf("a server that is busy: %+v", o)
	}
	full, _ := mailServer(t, "554 no")
	target.Server = full
	if o := tell.Tell(context.Background(), target, "key", []notify.News{news(notify.Opened)}); o.Done || !o.Refused {
		t.Errorf("a server that refuses: %+v", o)
	}
}

// TestASecretIsSentToItsPlacesOnly also by a target that was written before the operator said
// so, and by one whose address is a secret that leads elsewhere; its mail server, too.
func TestASecretIsSentToItsPlacesOnly(t *testing.T) {
	s, all := server(t, nil)
	tell := teller(t)
	t.Setenv("NIGHTJAR_SECRET_URL", s.URL+"/elsewhere")
	_, place, err := outbound.ParsePlace("s=" + s.URL + "/soc")
	if err != nil {
		t.Fatal(err)
	}
	tell.Secrets.Places = map[string][]outbound.Place{"s": {place}}
	key := map[string]string{"X-Key": "secret:s"}
	for _, target := range []configuration.NotificationTarget{
		{Type: "webhook", URL: s.URL, Headers: key}, {Type: "webhook", URL: "secret:url", Headers: key}, {Type: "jira", URL: s.URL, Secret: "secret:s", Project: "SOC"},
		{Type: "webhook", URL: s.URL, Secret: "secret:s"}, {Type: "pagerduty", URL: s.URL, Secret: "secret:s"},
		{Type: "email", Server: strings.TrimPrefix(s.URL, "http://"), TLS: "none", From: "a@a.example", To: []string{"b@a.example"}, User: "u", Secret: "secret:s"},
	} {
		o := tell.Tell(t.Context(), target, "key", []notify.News{news(notify.Opened)})
		if o.Done || !o.Refused || !strings.Contains(o.Answer, "--outbound-secret s=ADDRESS") || strings.Contains(o.Answer, "hush") {
			t.Errorf("%s at %s: %+v", target.Type, target.Address(), o)
		}
	}
	if len(*all) != 0 {
		t.Fatalf("sent: %+v", *all)
	}
	if o := tell.Tell(t.Context(), configuration.NotificationTarget{Type: "webhook", URL: s.URL + "/soc", Headers: key}, "key", []notify.News{news(notify.Opened)}); !o.Done || (*all)[0].header.Get("X-Key") != "hush" {
		t.Errorf("in its place: %+v", o)
	}
}

// TestARedirectTakesNoKeyOfPagerDutyAlong which is in what is told.
func TestARedirectTakesNoKeyOfPagerDutyAlong(t *testing.T) {
	elsewhere, heard := server(t, nil)
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
	})
	if o := teller(t).Tell(t.Context(), configuration.NotificationTarget{Type: "pagerduty", URL: s.URL, Secret: "secret:s"}, "key", []notify.News{news(notify.Opened)}); !o.Refused || len(*heard) != 0 {
		t.Errorf("%+v, and elsewhere heard %+v", o, *heard)
	}
}
