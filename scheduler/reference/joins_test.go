package reference

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
	"nightjar/testenv"
)

// joins are the counts that were made of the same files by others.
type joins struct {
	Events     int      `json:"events_with_src_ip"`
	Ipsum      int      `json:"in_ipsum"`
	IpsumIPs   []string `json:"distinct_ip_in_ipsum"`
	Datacenter int      `json:"in_x4b_datacenter_cidr"`
	DCs        []string `json:"distinct_in_dc"`
	VPN        int      `json:"in_x4b_vpn_cidr"`
	DNS        int      `json:"in_public_dns"`
	Tor        int      `json:"in_tor"`
}

func TestLoginsAreInTheListsTheyAreIn(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/threat-intel/expected_joins.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]joins
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for file, want := range all {
		events := readAuth(t, testenv.Shared(t, "data/auth/"+file))
		for _, list := range []struct {
			file, column string
			events       int
			distinct     []string
		}{
			{"ipsum.csv", "ip", want.Ipsum, want.IpsumIPs},
			{"x4b_datacenter_ipv4_cidr.txt", UnnamedColumn, want.Datacenter, want.DCs},
			{"x4b_vpn_ipv4_cidr.txt", UnnamedColumn, want.VPN, nil},
			{"misp_public_dns_v4.txt", UnnamedColumn, want.DNS, nil},
			{"tor_exit_nodes.txt", UnnamedColumn, want.Tor, nil},
		} {
			in, distinct := countIn(t, list.file, list.column, true, events)
			if in != list.events {
				t.Errorf("%s: %d events of %s are in it, want %d", list.file, in, file, list.events)
			}
			if list.distinct != nil && !slices.Equal(distinct, list.distinct) {
				t.Errorf("%s has %v, want %v", list.file, distinct, list.distinct)
			}
			if out, _ := countIn(t, list.file, list.column, false, events); out != want.Events-list.events {
				t.Errorf("%s: %d events of %s are not in it, want %d", list.file, out, file, want.Events-list.events)
			}
		}
	}
}

func readAuth(t *testing.T, path string) []schema.Event {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var events []schema.Event
	for lines := bufio.NewScanner(file); lines.Scan(); {
		attributes, err := schema.ParseAttributes(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, schema.Event{Seq: uint64(len(events) + 1), Attributes: attributes})
	}
	return events
}

// countIn counts the events with an address that a compiled rule finds to be in
// the list, or not to be, and lists their addresses.
func countIn(t *testing.T, file, column string, present bool, events []schema.Event) (n int, distinct []string) {
	t.Helper()
	compiled, _, err := compiler.Compile(schema.Rule{
		Name:    "in a list",
		Queries: []schema.RuleQuery{{Query: "@src_ip:*", GroupByFields: []string{"@src_ip"}}},
		Cases:   []schema.RuleCase{{Status: "info", Condition: "a > 0"}},
		ReferenceTables: []schema.ReferenceTable{{
			TableName: "list", ColumnName: column, LogFieldPath: "@src_ip", RuleQueryName: "a", CheckPresence: present,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	m := NewMemory()
	list, err := os.Open(testenv.Shared(t, "data/threat-intel/"+file))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	if _, err := m.Add("list", list, plan.TableColumns()); err != nil {
		t.Fatal(err)
	}
	if missing := m.Missing(plan.TableColumns()); len(missing) > 0 {
		t.Fatal(missing)
	}
	plan.Tables = m
	for i := range events {
		for _, match := range plan.Matches(&events[i]) {
			n++
			distinct = append(distinct, match.Group[0])
		}
	}
	slices.Sort(distinct)
	return n, slices.Compact(distinct)
}
