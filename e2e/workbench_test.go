package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// own is where the API has what only nightjar has.
const own = "/api/nightjar/v1/"

// TestWhatThePageOfSourcesAsks asks, over HTTP, what brings a new source to fields that rules
// can use: which sources there are, what of them nobody reads, a document and its mistakes,
// its samples, its grok rules; a table, its file's mistakes, its rows and who asks it.
func TestWhatThePageOfSourcesAsks(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	p.call("POST", "/api/v2/logs", fmt.Appendf(nil, `[{"ddsource":"gatekeeper","message":"login refused user=ann from 203.0.113.9","timestamp":%d},
		{"ddsource":"nginx","message":"192.0.2.7 - - [29/Nov/2026:14:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\""}]`, time.Now().Add(-time.Hour).UnixMilli()), nil)

	for name, check := range map[string]func(*testing.T, *process){
		"sources": checkSources, "documents": checkDocuments, "samples": checkSamples, "stored": checkStoredText, "grok": checkGrok, "rows": checkRows, "files": checkTableFiles, "uses": checkUses,
		"kept": checkKeptSamples, "restored": checkRestored, "bound": checkBoundOfFiles,
	} {
		t.Run(name, func(t *testing.T) { check(t, p) })
	}
}

// place is where something is wrong.
type place struct {
	Path, Message, Hint string
	Line, Column        int
}

func checkSources(t *testing.T, p *process) {
	type source struct {
		Source                        string
		Events, Hour, Unread, Arrived int64
		P50                           int64 `json:"lag_p50_ms"`
		Counts                        []int64
		UnreadQuery                   string `json:"unread_query"`
		EventID                       string `json:"event_id"`
	}
	of := map[string]source{}
	p.await("counted", func() bool {
		var got struct {
			Sources []source
			Starts  []int64
		}
		p.call("GET", own+"sources?stretches=24", nil, &got)
		for _, s := range got.Sources {
			of[s.Source] = s
		}
		return len(got.Starts) == 24 && of["gatekeeper"].Events == 1 && of["nginx"].Events == 1
	})
	g := of["gatekeeper"]
	if g.Unread != 1 || g.Hour != 1 || g.P50 < 3_599_000 || g.P50 > 3_700_000 || len(g.Counts) != 24 || g.Counts[23] != 1 || of["nginx"].Unread != 0 {
		t.Errorf("gatekeeper: %+v, nginx: %+v", g, of["nginx"])
	}
	var found struct{ Data []struct{ ID string } }
	p.call("POST", "/api/v2/logs/events/search", []byte(fmt.Sprintf(`{"filter":{"query":%q,"from":"now-1d"}}`, g.UnreadQuery)), &found)
	if len(found.Data) != 1 || found.Data[0].ID != g.EventID {
		t.Errorf("%s finds %v, want %s", g.UnreadQuery, found.Data, g.EventID)
	}
	if status, text, _ := p.request("GET", own+"sources?stretches=0", nil); status != 400 || !strings.Contains(string(text), "want 1 to 288") {
		t.Errorf("0 stretches: %d %s", status, text)
	}
}

const gatekeeper = "name: Gatekeeper\nfilter: {query: 'source:gatekeeper'}\nprocessors:\n  - type: grok-parser\n    grok: {match_rules: 'a login %{word:evt.outcome} user=%{notSpace:usr.name} from %{ip:network.client.ip}'}\n"

// checkedText is what is said of a document.
type checkedText struct {
	Valid    bool
	Text     string
	Pipeline json.RawMessage
	Problems []place
}

func checkText(t *testing.T, p *process, text string) (out checkedText) {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"text": text})
	p.call("POST", own+"pipelines/text", body, &out)
	return out
}

func checkDocuments(t *testing.T, p *process) {
	if bad := checkText(t, p, strings.Replace(gatekeeper, "%{word", "%{wrd", 1)); bad.Valid || len(bad.Problems) != 1 || bad.Problems[0].Line != 5 || bad.Problems[0].Column != 25 || !strings.Contains(bad.Problems[0].Hint, "word") {
		t.Errorf("a mistake: %+v", bad)
	}
	if bad := checkText(t, p, "{"); bad.Valid || len(bad.Problems) == 0 {
		t.Errorf("half a document: %+v", bad)
	}
	good := checkText(t, p, gatekeeper)
	if again := checkText(t, p, good.Text); !good.Valid || !again.Valid || string(again.Pipeline) != string(good.Pipeline) {
		t.Fatalf("written and read again it is another: %+v, %+v", good, again)
	}

}

func checkSamples(t *testing.T, p *process) {
	good := checkText(t, p, gatekeeper)
	const samples = "pipeline: x\nsamples:\n- {name: one, source: gatekeeper, input: 'login refused user=ann from 203.0.113.9', result: {has: {usr: {name: ann}}}}\n- {name: two, source: gatekeeper, input: 'login refused user=ann from 203.0.113.9', result: {has: {usr: {name: bob}}}}\n"
	var tested struct {
		Tests []struct {
			Name    string
			Line    int
			Passed  bool
			Differs []string
		}
		Samples  string
		Problems []place
	}
	test := func(of map[string]any) {
		t.Helper()
		tested.Tests, tested.Problems = nil, nil
		body, _ := json.Marshal(of)
		p.call("POST", own+"pipelines/test", body, &tested)
	}
	test(map[string]any{"pipeline": good.Pipeline, "samples": samples})
	if len(tested.Tests) != 2 || !tested.Tests[0].Passed || tested.Tests[1].Passed || tested.Tests[1].Line != 4 || len(tested.Tests[1].Differs) != 2 {
		t.Errorf("two samples: %+v", tested)
	}
	test(map[string]any{"in_place_of": "nginx"})
	if len(tested.Tests) < 3 || tested.Samples == "" {
		t.Errorf("samples that ship: %+v", tested)
	}
	for _, one := range tested.Tests {
		if !one.Passed {
			t.Errorf("nginx, %s: %v", one.Name, one.Differs)
		}
	}
	test(map[string]any{"in_place_of": "nginx", "samples": "samples: 7"})
	if len(tested.Problems) == 0 || tested.Problems[0].Line != 1 {
		t.Errorf("samples that can't be read: %+v", tested)
	}

}

func checkStoredText(t *testing.T, p *process) {
	good := checkText(t, p, gatekeeper)
	var made struct{ ID, Text string }
	p.call("POST", own+"pipelines", []byte(string(good.Pipeline)), &made)
	p.call("GET", own+"pipelines/"+made.ID, nil, &made)
	var versions struct{ Data []struct{ Text string } }
	p.call("GET", own+"pipelines/"+made.ID+"/versions", nil, &versions)
	if made.Text != good.Text || len(versions.Data) != 1 || versions.Data[0].Text != good.Text {
		t.Errorf("stored it is\n%s\nits version\n%v\nwant\n%s", made.Text, versions.Data, good.Text)
	}
}

func checkGrok(t *testing.T, p *process) {
	var got struct {
		Problems []place
		Results  []struct {
			Rule, Why string
			Found     any
		}
	}
	p.call("POST", own+"pipelines/grok", []byte(`{"match_rules":"a login %{word:x}\nb %{nope:y}"}`), &got)
	if len(got.Problems) != 1 || got.Problems[0].Line != 2 || got.Problems[0].Column != 5 || got.Problems[0].Path != "match_rules" || len(got.Results) > 0 {
		t.Errorf("a mistake: %+v", got)
	}
	got.Problems = nil
	p.call("POST", own+"pipelines/grok", []byte(`{"match_rules":"a login %{who}","support_rules":"who %{word:usr.name}","samples":["login ann","login -"]}`), &got)
	if len(got.Results) != 2 || got.Results[0].Rule != "a" || fmt.Sprint(got.Results[0].Found) != "map[usr:map[name:ann]]" || got.Results[1].Rule != "" || !strings.Contains(got.Results[1].Why, "matches up to") {
		t.Errorf("two texts: %+v", got)
	}
}

// madeTable is a table of three rows.
func madeTable(t *testing.T, p *process, name string) (id string) {
	t.Helper()
	if out, said, code := p.run("tables", "import", name, writeFile(t, "address,place\n10.0.0.1,Berlin\n10.0.0.2,Paris\n10.0.0.3,berlin\n")); code != 0 {
		t.Fatal(out, said)
	}
	var list struct{ Data []struct{ ID string } }
	p.call("GET", "/api/v2/reference-tables/tables?filter[table_name][exact]="+name, nil, &list)
	return list.Data[0].ID
}

func checkRows(t *testing.T, p *process) {
	id := madeTable(t, p, "searched")
	var page struct {
		Data []struct{ ID string }
		Meta struct {
			Page struct {
				Next string `json:"next_continuation_token"`
			}
		}
	}
	rows := "/api/v2/reference-tables/tables/" + id + "/rows/list?page[limit]=1&contains=BERLIN"
	p.call("GET", rows, nil, &page)
	first := page.Data[0].ID
	p.call("GET", rows+"&page[continuation_token]="+page.Meta.Page.Next, nil, &page)
	if first != "10.0.0.1" || page.Data[0].ID != "10.0.0.3" {
		t.Errorf("rows with Berlin: %s, %s", first, page.Data[0].ID)
	}
}

func checkTableFiles(t *testing.T, p *process) {
	id := madeTable(t, p, "checked")
	var checked struct {
		Fields   []struct{ Name string }
		Key      string
		Rows     int64
		Replaced int64
		Problems []place
		Mistakes int64
	}
	check := func(text string) {
		body, _ := json.Marshal(map[string]string{"table_id": id, "text": text})
		checked.Problems, checked.Rows, checked.Mistakes, checked.Replaced = nil, 0, 0, 0
		p.call("POST", own+"reference_tables/check", body, &checked)
	}
	check("address,place\n10.1.0.1,Rome\n10.1.0.2\n,Oslo\n10.1.0.1,Bonn\n\"x\n")
	if checked.Rows != 2 || checked.Replaced != 1 || checked.Mistakes != 3 || checked.Problems[0].Line != 3 || checked.Problems[1].Line != 4 || checked.Problems[2].Line != 6 {
		t.Errorf("a file with mistakes: %+v", checked)
	}
	if check("a,b\n1,2\n"); checked.Mistakes != 1 || !strings.Contains(checked.Problems[0].Message, `no column "a"`) {
		t.Errorf("a file of another table: %+v", checked)
	}
}

func checkUses(t *testing.T, p *process) {
	id := madeTable(t, p, "office")
	rule := `{"name":"%s","isEnabled":true,"type":"log_detection","message":"m","queries":[{"name":"q","query":"source:x"}],"cases":[{"status":"low","condition":"q > 0"}],
		"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":300,"maxSignalDuration":300},"referenceTables":[%s]}`
	p.call("POST", "/api/v2/security_monitoring/rules", []byte(fmt.Sprintf(rule, "asks", `{"tableName":"office","columnName":"address","logFieldPath":"ip","ruleQueryName":"q","checkPresence":true}`)), nil)
	p.call("POST", own+"pipelines", []byte(`{"name":"looks up","filter":{"query":"*"},"processors":[{"type":"pipeline","name":"n","filter":{"query":"*"},"processors":[{"type":"lookup-processor","source":"a","target":"b","lookup_enrichment_table":"office"}]}]}`), nil)
	var uses struct {
		Rules, Pipelines []struct {
			Name    string
			Columns []string
		}
	}
	p.call("GET", own+"reference_tables/"+id+"/uses", nil, &uses)
	if fmt.Sprint(uses) != "{[{asks [address]}] [{looks up [address]}]}" {
		t.Errorf("it is asked by %+v", uses)
	}
}
