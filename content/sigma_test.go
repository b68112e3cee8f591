package content

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler/search"
	"nightjar/ingest"
	"nightjar/schema"
	"nightjar/testenv"
)

// sigmaRule is a rule as Sigma's regression data has it.
type sigmaRule struct {
	ID        string
	Logsource struct{ Category, Service string }
	Detection map[string]any
}

// sysmonIDs are the events of Sysmon that a category is about.
var sysmonIDs = map[string][]string{
	"process_creation": {"1"}, "file_change": {"2"}, "network_connection": {"3"}, "image_load": {"7"}, "create_remote_thread": {"8"}, "process_access": {"10"}, "file_event": {"11"},
	"registry_event": {"12", "13", "14"}, "registry_set": {"13"}, "create_stream_hash": {"15"}, "pipe_created": {"17", "18"}, "wmi_event": {"19", "20", "21"}, "file_delete": {"23", "26"},
}

func attributeNamed(name string) schema.Field {
	return schema.Field{Kind: schema.FieldAttribute, Name: name}
}

// query is the rule as a search over what pipelines make of events: EventID, Channel and
// the data's own names.
func (r *sigmaRule) query(t *testing.T) *search.Query {
	t.Helper()
	channel, ids := "Microsoft-Windows-Sysmon/Operational", sysmonIDs[r.Logsource.Category]
	if r.Logsource.Service == "security" {
		channel = "Security"
	}
	nodes := []search.Node{search.Folded{Field: attributeNamed("Channel"), Patterns: []search.Pattern{search.Pattern(channel)}}}
	if ids != nil {
		var patterns []search.Pattern
		for _, id := range ids {
			patterns = append(patterns, search.Pattern(id))
		}
		nodes = append(nodes, search.Folded{Field: attributeNamed("EventID"), Patterns: patterns})
	} else if r.Logsource.Service == "" {
		t.Fatalf("%s: category %q", r.ID, r.Logsource.Category)
	}
	c := sigmaCondition{t: t, rule: r, words: strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(r.Detection["condition"].(string)))}
	nodes = append(nodes, c.or())
	return &search.Query{Root: search.Conjunction{Nodes: nodes}}
}

// sigmaCondition reads a condition.
type sigmaCondition struct {
	t     *testing.T
	rule  *sigmaRule
	words []string
}

func (c *sigmaCondition) next(word string) bool {
	if len(c.words) > 0 && c.words[0] == word {
		c.words = c.words[1:]
		return true
	}
	return false
}

func (c *sigmaCondition) or() search.Node {
	nodes := []search.Node{c.and()}
	for c.next("or") {
		nodes = append(nodes, c.and())
	}
	return anyNode(nodes)
}

func (c *sigmaCondition) and() search.Node {
	nodes := []search.Node{c.term()}
	for c.next("and") {
		nodes = append(nodes, c.term())
	}
	return allNodes(nodes)
}

func (c *sigmaCondition) term() search.Node {
	switch {
	case c.next("not"):
		return search.Negation{Node: c.term()}
	case c.next("("):
		n := c.or()
		c.next(")")
		return n
	case c.next("1"):
		return anyNode(c.selections())
	case c.next("all"):
		return allNodes(c.selections())
	}
	name := c.words[0]
	c.words = c.words[1:]
	return c.selection(c.rule.Detection[name])
}

// selections are those that `1 of name*` is about.
func (c *sigmaCondition) selections() (nodes []search.Node) {
	c.next("of")
	pattern := c.words[0]
	c.words = c.words[1:]
	for name, s := range c.rule.Detection {
		if ok, _ := path.Match(pattern, name); name != "condition" && (ok || pattern == "them") {
			nodes = append(nodes, c.selection(s))
		}
	}
	return nodes
}

func (c *sigmaCondition) selection(s any) search.Node {
	var nodes []search.Node
	switch s := s.(type) {
	case []any:
		for _, one := range s {
			nodes = append(nodes, c.selection(one))
		}
		return anyNode(nodes)
	case map[string]any:
		for name, values := range s {
			nodes = append(nodes, c.field(name, values))
		}
		return allNodes(nodes)
	}
	c.t.Fatalf("%s: a selection is %T", c.rule.ID, s)
	return nil
}

func (c *sigmaCondition) field(name string, values any) search.Node {
	name, modifiers, _ := strings.Cut(name, "|")
	list, ok := values.([]any)
	if !ok {
		list = []any{values}
	}
	var nodes []search.Node
	for _, v := range list {
		nodes = append(nodes, c.value(attributeNamed(name), modifiers, v))
	}
	if strings.HasSuffix(modifiers, "|all") {
		return allNodes(nodes)
	}
	return anyNode(nodes)
}

func (c *sigmaCondition) value(f schema.Field, modifiers string, v any) search.Node {
	text := fmt.Sprint(v)
	if v == nil {
		return search.Negation{Node: search.Exists{Field: f}}
	}
	p := sigmaPattern(text)
	switch modifiers {
	case "":
	case "contains", "contains|all":
		p = "*" + p + "*"
	case "startswith":
		p += "*"
	case "endswith":
		p = "*" + p
	case "re":
		return search.Regexp{Field: f, Expr: text}
	case "cidr":
		block, err := netip.ParsePrefix(text)
		if err != nil {
			c.t.Fatal(err)
		}
		return search.Network{Field: f, Blocks: []netip.Prefix{block}}
	default:
		c.t.Fatalf("%s: modifier %q", c.rule.ID, modifiers)
	}
	return search.Folded{Field: f, Patterns: []search.Pattern{p}}
}

// sigmaPattern is a value with its wildcards: a backslash is one, unless it stands before
// a wildcard or another.
func sigmaPattern(text string) search.Pattern {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			if i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0 {
				i++
			}
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return search.Pattern(b.String())
}

func anyNode(nodes []search.Node) search.Node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return search.Disjunction{Nodes: nodes}
}

func allNodes(nodes []search.Node) search.Node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return search.Conjunction{Nodes: nodes}
}

// ofLines calls use with each line of a file of JSON, read into a T.
func ofLines[T any](t *testing.T, name string, use func(T)) {
	t.Helper()
	file, err := os.Open(testenv.Shared(t, "data/windows/"+name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		use(v)
	}
}

// TestRulesOfSigmaMatchTheLinesThatTwoEnginesAgreeOn runs Sigma's rules, as searches,
// over what the pipelines make of the recorded events: of a quarter of the files, the
// smaller ones, and of all with NIGHTJAR_ALL_RECORDINGS.
func TestRulesOfSigmaMatchTheLinesThatTwoEnginesAgreeOn(t *testing.T) {
	type pair struct {
		File   string
		RuleID string `json:"rule_id"`
		Lines  []int
	}
	rules, wanted, disputed := map[string]func(*schema.Event) bool{}, map[[2]string][]int{}, map[[2]string]bool{}
	ofLines(t, "sigma_rules.jsonl", func(r sigmaRule) { rules[r.ID] = r.query(t).Matcher() })
	ofLines(t, "sigma_expected_matches.jsonl", func(p pair) { wanted[[2]string{p.File, p.RuleID}] = p.Lines })
	ofLines(t, "sigma_disputed_pairs.jsonl", func(p pair) { disputed[[2]string{p.File, p.RuleID}] = true })
	set := bundled(t)
	var d ingest.Decoder
	files, matches := 0, 0
	for _, file := range recordings(t) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if everyNth() > 1 && info.Size() > 60_000 {
			continue
		}
		files++
		got := map[string][]int{}
		nested := false
		eachLine(t, file, func(n int, line []byte) {
			if n%1000 == 1 { // of a decoder, a request is no longer
				d = ingest.Decoder{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Pipelines: set}
			}
			events, err := d.JSON(line)
			if err != nil {
				t.Fatal(err)
			}
			nested = nested || events[0].Has("event_data") || events[0].Has("EventData")
			for id, match := range rules {
				if match(&events[0]) {
					got[id] = append(got[id], n)
				}
			}
		})
		if nested {
			t.Logf("%s: no expectations, for its fields were not flat; now %d rules match", name, len(got))
			continue
		}
		for id := range rules {
			key := [2]string{name, id}
			if !disputed[key] && !slices.Equal(got[id], wanted[key]) {
				t.Errorf("%s: rule %s matches lines %v, want %v", name, id, got[id], wanted[key])
			}
			matches += len(got[id])
		}
	}
	t.Logf("%d files, %d rules, %d matches", files, len(rules), matches)
	if files < 10 || matches < 100 {
		t.Errorf("%d files, %d matches", files, matches)
	}
}
