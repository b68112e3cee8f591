package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// TestExchangesAreAnsweredAsWritten plays the files of testdata/exchanges against an
// engine, each in its order. A section is an exchange, and its name says what it is for:
//
//	POST /api/v2/logs
//	DD-API-KEY: $KEY
//
//	{"message":"m"}
//	=> 202
//	Content-Type: application/json
//
//	{}
//
// With await before the method it is repeated until it is answered so. UDP and TCP send
// the body to the doors of syslog. The key is sent where no header says otherwise;
// `pack: gzip`, `zstd` or `otlp` (protobuf from its JSON) is done to the body.
//
// A body of JSON is compared by value: "<name>" stands for a text or number which is the
// same wherever that name stands, "<any>" for anything, … in a text for a run of
// characters, and the member "…" for members that are not named.
func TestExchangesAreAnsweredAsWritten(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t, "--syslog-udp", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0")
	files, err := filepath.Glob("testdata/exchanges/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			said := newNames(p)
			for _, section := range archive.Files {
				played++
				x := readExchange(t, section)
				if problems := x.play(p, said); len(problems) > 0 {
					t.Errorf("%s:\n  %s", x.name, strings.Join(problems, "\n  "))
				}
			}
		})
	}
	if played < 180 {
		t.Errorf("only %d exchanges in %d files", played, len(files))
	}
}

type exchange struct {
	name          string
	await         bool
	method, path  string
	header        [][2]string
	body, answer  string
	status        int
	answerHeaders [][2]string
}

func readExchange(t *testing.T, section txtar.File) *exchange {
	t.Helper()
	request, answer, ok := strings.Cut(string(section.Data), "\n=> ")
	if !ok {
		t.Fatalf("%s: no line that begins with =>", section.Name)
	}
	x := &exchange{name: section.Name}
	first, rest, _ := strings.Cut(request, "\n")
	first, x.await = strings.CutPrefix(first, "await ")
	x.method, x.path, _ = strings.Cut(first, " ")
	x.header, x.body = readHead(rest)
	first, rest, _ = strings.Cut(answer, "\n")
	var err error
	if x.status, err = strconv.Atoi(first); err != nil {
		t.Fatalf("%s: the status: %v", section.Name, err)
	}
	x.answerHeaders, x.answer = readHead(rest)
	return x
}

// readHead reads headers up to an empty line, and what follows.
func readHead(text string) (header [][2]string, body string) {
	head, body, _ := strings.Cut("\n"+text, "\n\n")
	for line := range strings.Lines(head) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			header = append(header, [2]string{name, value})
		}
	}
	return header, strings.TrimSuffix(body, "\n")
}

// names are what stands for what in the files: of the engine, and what was captured.
type names struct {
	fixed    *strings.Replacer
	captured map[string]any
}

func newNames(p *process) *names {
	now := time.Now().Add(-3 * time.Second).UTC().Truncate(time.Second)
	return &names{captured: map[string]any{}, fixed: strings.NewReplacer(
		"$KEY", p.key, "$BASIC", p.basic(), "$APIKEY", p.apiKey(),
		"$NOWMS", fmt.Sprint(now.UnixMilli()), "$NOWNS", fmt.Sprint(now.UnixNano()), "$NOWUS", fmt.Sprint(now.UnixMicro()), "$NOWS", fmt.Sprint(now.Unix()),
		"$NOW", now.Format("2006-01-02T15:04:05.000Z"), "$STAMP", now.Format(time.Stamp), "$HOURAGOMS", fmt.Sprint(now.Add(-time.Hour).UnixMilli()), "$TOMORROWMS", fmt.Sprint(now.Add(24*time.Hour).UnixMilli()),
	)}
}

var capture = regexp.MustCompile(`<([a-z]\w*)>`)

// of writes what the names in a text stand for.
func (n *names) of(text string) string {
	return capture.ReplaceAllStringFunc(n.fixed.Replace(text), func(name string) string {
		if v, ok := n.captured[name]; ok {
			return fmt.Sprint(v)
		}
		return name
	})
}

// play sends the request and says how the answer differs.
func (x *exchange) play(p *process, n *names) []string {
	if x.method == "UDP" || x.method == "TCP" {
		p.say(strings.ToLower(x.method), n.of(x.body)+"\n")
		return nil
	}
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		problems := x.once(p, n)
		if len(problems) == 0 || !x.await || time.Now().After(end) {
			return problems
		}
	}
}

func (x *exchange) once(p *process, n *names) []string {
	status, header, answer, err := x.send(p, n)
	if err != nil {
		return []string{err.Error()}
	}
	if status != x.status {
		return []string{fmt.Sprintf("status %d, want %d: %s", status, x.status, answer)}
	}
	var problems []string
	for _, h := range x.answerHeaders {
		if got := header.Get(h[0]); !fits(h[1], got) {
			problems = append(problems, fmt.Sprintf("header %s: %q, want %q", h[0], got, h[1]))
		}
	}
	if problems = append(problems, n.compareBody(x.answer, answer)...); len(problems) > 0 {
		problems = append(problems, "answered "+answer)
	}
	return problems
}

func (x *exchange) send(p *process, n *names) (int, http.Header, string, error) {
	body, err := []byte(n.of(x.body)), error(nil)
	req, err := http.NewRequest(x.method, p.base+n.of(x.path), nil)
	if err != nil {
		return 0, nil, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	anonymous := false
	for _, h := range x.header {
		switch name := strings.ToLower(h[0]); name {
		case "pack":
			if body, err = packed(h[1], body); err != nil {
				return 0, nil, "", err
			}
		case "key":
			anonymous = true // key: none
		default:
			req.Header.Set(h[0], n.of(h[1]))
			anonymous = anonymous || name == "authorization" || name == "dd-api-key"
		}
	}
	if !anonymous {
		req.Header.Set("DD-API-KEY", p.key)
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// packed does to a body what its sender would.
func packed(how string, body []byte) ([]byte, error) {
	var out bytes.Buffer
	switch how {
	case "gzip":
		z := gzip.NewWriter(&out)
		_, _ = z.Write(body) // into memory
		err := z.Close()
		return out.Bytes(), err
	case "zstd":
		z, err := zstd.NewWriter(&out)
		if err != nil {
			return nil, err
		}
		_, _ = z.Write(body)
		err = z.Close()
		return out.Bytes(), err
	case "otlp":
		request := &collector.ExportLogsServiceRequest{}
		if err := protojson.Unmarshal(body, request); err != nil {
			return nil, err
		}
		return proto.Marshal(request)
	}
	return nil, fmt.Errorf("nothing is packed by %q", how)
}

// compareBody compares as JSON where that is wanted, else as text.
func (n *names) compareBody(want, got string) []string {
	var w, g any
	if json.Unmarshal([]byte(want), &w) != nil {
		if !fits(n.of(want), strings.TrimSuffix(got, "\n")) {
			return []string{fmt.Sprintf("body %q, want %q", got, want)}
		}
		return nil
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return []string{fmt.Sprintf("no JSON: %v", err)}
	}
	learned := &names{fixed: n.fixed, captured: maps.Clone(n.captured)}
	problems := (&exchangeComparison{names: learned}).value("", w, g)
	if len(problems) == 0 {
		n.captured = learned.captured
	}
	return problems
}

// fits reports whether a text is as wanted, where … stands for any run of characters.
func fits(want, got string) bool {
	parts := strings.Split(want, "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString(got)
}

type exchangeComparison struct{ names *names }

func (c *exchangeComparison) value(at string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return c.object(at, want, got)
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			var out []string
			for i := range want {
				out = append(out, c.value(fmt.Sprintf("%s[%d]", at, i), want[i], got[i])...)
			}
			return out
		}
	case string:
		if c.text(want, got) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", at, compact(want), compact(got))}
}

// text compares with a text that may stand for another.
func (c *exchangeComparison) text(want string, got any) bool {
	if want == "<any>" {
		return true
	}
	if capture.FindString(want) == want && want != "" {
		if number, ok := got.(float64); ok {
			got = strconv.FormatFloat(number, 'f', -1, 64)
		}
		if known, ok := c.names.captured[want]; ok {
			return known == got
		}
		c.names.captured[want] = got
		return got != nil && got != ""
	}
	s, ok := got.(string)
	return ok && fits(c.names.of(want), s)
}

func (c *exchangeComparison) object(at string, want, got map[string]any) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, has := got[key]; has {
			out = append(out, c.value(at+"."+key, want[key], value)...)
		} else if key != "…" {
			out = append(out, fmt.Sprintf("%s.%s is missing, want %s", at, key, compact(want[key])))
		}
	}
	if _, open := want["…"]; open {
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, has := want[key]; !has {
			out = append(out, fmt.Sprintf("%s.%s is surplus: %s", at, key, compact(got[key])))
		}
	}
	return out
}
