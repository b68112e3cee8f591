package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// A reference table over REST, from the upload of its file to its end.
func TestReferenceTablesLiveTheirLifeOverREST(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	const tables = "/api/v2/reference-tables/tables"
	ask := func(method, path, body string, want int) string {
		t.Helper()
		status, answer, err := p.request(method, path, []byte(body))
		if err != nil || status != want {
			t.Fatalf("%s %s: %d %s %v, want %d", method, path, status, answer, err, want)
		}
		return string(answer)
	}
	upload := func(csv string) string {
		t.Helper()
		var made struct {
			Data struct {
				ID         string
				Attributes struct {
					PartURLs []string `json:"part_urls"`
				}
			}
		}
		if err := json.Unmarshal([]byte(ask("POST", "/api/v2/reference-tables/uploads",
			`{"data":{"type":"upload","attributes":{"table_name":"t","headers":["ip","hits"],"part_count":1,"part_size":1000}}}`, 201)), &made); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPut, made.Data.Attributes.PartURLs[0], strings.NewReader(csv))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req) // without a key
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
		return made.Data.ID
	}
	table := func(name, upload string) string {
		return fmt.Sprintf(`{"data":{"type":"reference_table","attributes":{"table_name":"%s","source":"LOCAL_FILE","tags":["a:b"],
			"schema":{"fields":[{"name":"ip","type":"STRING"},{"name":"hits","type":"INT32"}],"primary_keys":["ip"]},
			"file_metadata":{"upload_id":"%s"}}}}`, name, upload)
	}
	var made struct{ Data struct{ ID string } }
	answer := ask("POST", tables, table("bad_addresses", upload("ip,hits\n10.0.0.1,1\n10.0.0.2,2\n")), 201)
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, `"status":"DONE","row_count":2`) {
		t.Errorf("made %s", answer)
	}
	path := tables + "/" + made.Data.ID
	ask("POST", tables, table("bad_addresses", upload("10.0.0.1,1\n")), 400) // the name is taken
	if answer := ask("POST", tables, table("broken", upload("10.0.0.1,x\n")), 201); !strings.Contains(answer, `"status":"ERROR"`) || !strings.Contains(answer, `"error_message":"`) {
		t.Errorf("a broken file: %s", answer)
	}
	ask("POST", path+"/rows", `{"data":[{"type":"row","id":"10.0.0.3","attributes":{"values":{"ip":"10.0.0.3","hits":3}}}]}`, 200)
	ask("POST", path+"/rows", `{"data":[{"type":"row","id":"10.0.0.4","attributes":{"values":{"hits":[1]}}}]}`, 400)
	if answer := ask("GET", path+"/rows?row_id=10.0.0.3&row_id=10.0.0.9", "", 200); !strings.Contains(answer, `"values":{"hits":3,"ip":"10.0.0.3"}`) ||
		!strings.Contains(answer, `"meta":{"requested_count":2,"found_count":1,"not_found":["10.0.0.9"]}`) {
		t.Errorf("rows: %s", answer)
	}
	ask("GET", path+"/rows?row_id=10.0.0.9", "", 404)
	ask("DELETE", path+"/rows", `{"data":[{"type":"row","id":"10.0.0.1"}]}`, 200)
	answer = ask("GET", path+"/rows/list?page[limit]=1", "", 200)
	var page struct {
		Data []struct{ ID string }
		Meta struct {
			Page struct {
				Next string `json:"next_continuation_token"`
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &page); err != nil || len(page.Data) != 1 || page.Data[0].ID != "10.0.0.2" {
		t.Fatalf("first page: %s (%v)", answer, err)
	}
	if answer := ask("GET", path+"/rows/list?page[limit]=1&page[continuation_token]="+page.Meta.Page.Next, "", 200); !strings.Contains(answer, `"id":"10.0.0.3"`) {
		t.Errorf("second page: %s", answer)
	}
	if answer := ask("POST", "/api/v2/reference-tables/queries/batch-rows", `{"data":{"type":"reference-tables-batch-rows-query","attributes":{"table_id":"`+
		made.Data.ID+`","row_ids":["10.0.0.2","x"]}}}`, 200); !strings.Contains(answer, `"relationships":{"rows":{"data":[{"id":"10.0.0.2","type":"row"}]}}`) {
		t.Errorf("batch query: %s", answer)
	}
	ask("PATCH", path, `{"data":{"type":"reference_table","attributes":{"description":"d","file_metadata":{"upload_id":"`+upload("10.0.0.7,7\n")+`"}}}}`, 200)
	if answer := ask("GET", path, "", 200); !strings.Contains(answer, `"description":"d","tags":["a:b"]`) || !strings.Contains(answer, `"row_count":1`) {
		t.Errorf("patched: %s", answer)
	}
	if answer := ask("GET", tables+"?filter[table_name][contains]=bad&sort=table_name", "", 200); strings.Count(answer, `"type":"reference_table"`) != 1 {
		t.Errorf("list: %s", answer)
	}
	ask("DELETE", path, "", 200)
	ask("GET", path, "", 404)
}

// TestAColumnThatIsAskedMustBeThere: a rule that asks a table for a column which it
// lacks is refused wherever it is met, and so is a file that lacks one which a rule
// asks.
func TestAColumnThatIsAskedMustBeThere(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	rule := f.put("rule.json", strings.Replace(ruleFile, `"queries":`,
		`"referenceTables":[{"tableName":"bad","columnName":"address","logFieldPath":"@ip","checkPresence":true}],"queries":`, 1))
	list := f.put("list.txt", "\ufeff# bad ones\n 192.0.2.1 ; seen\n192.0.2.0/25\n")
	events := f.put("e.ndjson", `{"timestamp":1000000000000,"source":"sshd","host":"h","attributes":{"ip":"192.0.2.9","usr":{"name":"u"}}}`+"\n")
	lacks := func(want int, args ...string) {
		t.Helper()
		if stdout, stderr := f.run(want, args...); !strings.Contains(stderr, `"address"`) && !strings.Contains(stderr, "column address") {
			t.Errorf("%v: %s%s", args, stdout, stderr)
		}
	}
	if out, err := exec.Command(f.p.path, "rules", "validate", rule, "--reference-table", "bad="+list).CombinedOutput(); err == nil || !strings.Contains(string(out), `has no column "address"; it has "value"`) {
		t.Errorf("validate: %v %s", err, out)
	}
	lacks(exitFailure, "backtest", "--rule", rule, "--events", events, "--reference-table", "bad="+list)
	f.run(exitOK, "tables", "import", "bad", list)
	lacks(exitFailure, "rules", "apply", rule)
	lacks(exitFailure, "backtest", "--rule", rule, "--from", "-1d", "--to", "now")
	status, answer, err := f.p.request(http.MethodPost, "/api/v2/security_monitoring/rules/validation", []byte(read(t, rule)))
	if err != nil || status != http.StatusBadRequest || !strings.Contains(string(answer), "address") {
		t.Errorf("validation: %d %s %v", status, answer, err)
	}
	f.run(exitOK, "tables", "delete", "bad")
	if _, stderr := f.run(exitOK, "rules", "apply", rule); !strings.Contains(stderr, `warning: there is no reference table "bad"`) {
		t.Errorf("apply before the table: %s", stderr)
	}
	if why, _ := f.run(exitOK, "explain", "--rule", "one", "--group", "h", "--group", "u"); !strings.Contains(why, `there is no reference table "bad"`) {
		t.Errorf("explain: %s", why)
	}
	lacks(exitFailure, "tables", "import", "bad", list)
	f.run(exitOK, "tables", "import", "bad", list, "--columns", "address")
	rows, _ := f.run(exitOK, "tables", "rows", "bad", "--output", "jsonl")
	if !strings.Contains(rows, `{"address":"192.0.2.0/25"}`) || !strings.Contains(rows, `{"address":"192.0.2.1"}`) || strings.Count(rows, "\n") != 2 {
		t.Errorf("rows: %s", rows)
	}
	f.run(exitOK, "tables", "import", "bad", f.put("again.csv", "address\n192.0.2.2\n"), "--columns", "address") // it says so itself
	if rows, _ := f.run(exitOK, "tables", "rows", "bad", "--output", "jsonl"); rows != `{"address":"192.0.2.2"}`+"\n" {
		t.Errorf("rows of a file with a header: %s", rows)
	}
}
