package intel

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// Defaults are what a list says of all of its indicators that say nothing themselves.
type Defaults struct {
	Type                Type // of plain values; empty: as their form shows
	Category, Intention string
	Source, SourceURL   string
	Now                 time.Time // what has expired by then is left out
}

// MaxIndicators is how many indicators a list may have.
const MaxIndicators = 1_000_000

// Report says what became of a list's entries.
type Report struct {
	Indicators int            `json:"indicators"`
	Skipped    map[string]int `json:"skipped,omitempty"`  // by reason
	Problems   []string       `json:"problems,omitempty"` // the first
}

const maxProblems = 5

// Skip counts an entry that is no indicator of ours, and why not.
func (r *Report) Skip(why string) {
	if r.Skipped == nil {
		r.Skipped = map[string]int{}
	}
	r.Skipped[why]++
}

func (r *Report) problem(at string, err error) {
	r.Skip("can't be read")
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, at+": "+err.Error())
	}
}

// ErrTooMany is the error of a list with more than MaxIndicators.
var ErrTooMany = fmt.Errorf("the list has more than %d indicators; cut it in several", MaxIndicators)

// Formats are the forms of lists. A list of the form auto is what its text shows.
var Formats = []string{"auto", "list", "csv", "misp", "stix", "taxii"}

// Read reads a list in one of the Formats; taxii is a page of its objects, as stix.
func Read(format string, text []byte, d Defaults) ([]Indicator, Report, error) {
	l := &list{defaults: d, known: map[Indicator]bool{}}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var err error
	switch format {
	case "", "auto":
		return Read(guess(text), text, d)
	case "list":
		err = l.lines(text)
	case "csv":
		err = l.csv(text)
	case "misp":
		err = l.misp(text)
	case "stix", "taxii":
		err = l.stix(text)
	default:
		return nil, Report{}, fmt.Errorf("there is no format %q; there are %s", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return nil, Report{}, err
	}
	l.report.Indicators = len(l.out)
	return l.out, l.report, nil
}

// guess is the form that a text has.
func guess(text []byte) string {
	start := bytes.TrimSpace(text)
	if len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		var o map[string]json.RawMessage
		if json.Unmarshal(start, &o) == nil {
			if _, ok := o["objects"]; ok {
				return "stix"
			}
		}
		return "misp"
	}
	comment, first := heads(start)
	parting := ",;\t"
	if comment != "" {
		parting = "," // files of hosts have tabs
	}
	if strings.ContainsAny(first, parting) && (first[0] == '"' || Detect(first) == "") {
		return "csv"
	}
	return "list"
}

// heads are the last line of the comment that a text begins with, and the first line
// after it.
func heads(text []byte) (comment, first string) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '#':
			if inner := bytes.TrimSpace(bytes.TrimLeft(line, "#")); len(inner) > 0 {
				comment = string(inner)
			}
		default:
			return comment, string(line)
		}
	}
	return comment, ""
}

// commentedHeader is the header of a table that stands in the comment before it, where it
// has a name for the values and as many columns as the table.
func commentedHeader(text []byte, comma rune) map[string]int {
	comment, first := heads(text)
	var rows [2][]string
	for i, line := range []string{comment, first} {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma, r.LazyQuotes, r.TrimLeadingSpace = comma, true, true
		rows[i], _ = r.Read()
	}
	if len(rows[0]) < 2 || len(rows[0]) != len(rows[1]) || !slices.ContainsFunc(rows[0], func(c string) bool {
		return slices.Contains(columns["value"], strings.ToLower(strings.TrimSpace(c)))
	}) {
		return nil
	}
	at, _ := place(rows[0])
	return at
}

// list is a list while it is read.
type list struct {
	defaults Defaults
	out      []Indicator
	known    map[Indicator]bool
	report   Report
}

// add adds an entry; at says where it stands.
func (l *list) add(at string, i Indicator) error {
	if i.Type == "" {
		if i.Type = Detect(i.Value); i.Type == "" {
			l.report.problem(at, fmt.Errorf("%q is no address, domain, hash or URL", short(i.Value)))
			return nil
		}
	}
	value, err := Normal(i.Type, i.Value)
	if err == nil {
		err = CheckIntention(i.Intention)
	}
	if err != nil {
		l.report.problem(at, err)
		return nil
	}
	i.Value = value
	i.complete(l.defaults)
	if l.known[i] {
		l.report.Skip("twice")
		return nil
	}
	if len(l.out) >= MaxIndicators {
		return ErrTooMany
	}
	l.known[i] = true
	l.out = append(l.out, i)
	return nil
}

// lines reads a value a line, and files of hosts.
func (l *list) lines(text []byte) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' || line[0] == ';' || strings.HasPrefix(line, "//") {
			continue
		}
		fields := strings.Fields(line)
		value := fields[0]
		if len(fields) > 1 && (value == "0.0.0.0" || value == "127.0.0.1") { // a file of hosts
			value = fields[1]
			if !strings.Contains(value, ".") {
				l.report.Skip("names of the host itself")
				continue
			}
		}
		if err := l.add(fmt.Sprintf("line %d", n), Indicator{Type: l.defaults.Type, Value: strings.TrimSuffix(value, ",")}); err != nil {
			return err
		}
	}
	return s.Err()
}

// columns are the names under which tables have what indicators are made of.
var columns = map[string][]string{
	"value":     {"indicator", "value", "ioc", "ioc_value", "key", "ip", "ip_address", "address", "src_ip", "dst_ip", "cidr", "network", "domain", "hostname", "host", "url", "sha256", "sha256_hash", "sha1", "md5", "hash", "first_column"},
	"type":      {"type", "indicator_type", "ioc_type"},
	"category":  {"category", "threat_type", "tag", "tags", "threat", "malware"},
	"intention": {"intention"},
	"about":     {"additional_data", "description", "comment", "reference", "about"},
	"url":       {"source_url", "link"},
}

// csv reads a table with a header, or with values in its first column.
func (l *list) csv(text []byte) error {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = '#', -1, true, true
	_, first := heads(text)
	for _, c := range []rune{'\t', ';'} {
		if strings.ContainsRune(first, c) && !strings.ContainsRune(first, ',') {
			r.Comma = c
		}
	}
	at := commentedHeader(text, r.Comma)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if at == nil {
			var header bool
			if at, header = place(row); header {
				continue
			}
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		line, _ := r.FieldPos(0)
		value := cell("value")
		if host, _, err := net.SplitHostPort(value); err == nil && strings.EqualFold(cell("type"), "ip:port") {
			value = host
		}
		i := Indicator{Type: typeOf(cell("type"), l.defaults.Type), Value: value, Category: cell("category"), Intention: strings.ToLower(cell("intention")), About: cell("about"), SourceURL: cell("url")}
		if err := l.add(fmt.Sprintf("line %d", line), i); err != nil {
			return err
		}
	}
}

// place says which columns have what; header: the row names them.
func place(row []string) (at map[string]int, header bool) {
	at = map[string]int{}
	for what, names := range columns {
		for _, name := range names {
			i := slices.IndexFunc(row, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
			if i >= 0 {
				at[what], header = i, true
				break
			}
		}
	}
	if _, ok := at["value"]; !ok {
		at["value"] = 0
	}
	return at, header
}

// typeOf is a type by the names that lists have for it; else the default.
func typeOf(name string, otherwise Type) Type {
	switch strings.ToLower(name) {
	case "ip", "ipv4", "ipv6", "ipv4-addr", "ipv6-addr", "cidr", "ip:port", "network", "ip-src", "ip-dst":
		return IP
	case "domain", "hostname", "host", "fqdn", "domain-name":
		return Domain
	case "url", "uri", "link":
		return URL
	case "hash", "md5", "sha1", "sha-1", "sha256", "sha-256", "filehash-md5", "filehash-sha1", "filehash-sha256", "md5_hash", "sha256_hash":
		return Hash
	}
	return otherwise
}
