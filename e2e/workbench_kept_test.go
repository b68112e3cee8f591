package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const gatekeeperSamples = "pipeline: x\nsamples:\n- {name: one, source: gatekeeper, input: 'login refused user=ann from 203.0.113.9', result: {has: {usr: {name: %s}}}}\n"

// madePipeline is a pipeline of one's own.
func madePipeline(t *testing.T, p *process, name string) (id string) {
	t.Helper()
	var made struct{ ID string }
	p.call("POST", own+"pipelines", checkText(t, p, strings.Replace(gatekeeper, "Gatekeeper", name, 1)).Pipeline, &made)
	return made.ID
}

// checkKeptSamples keeps samples of a pipeline over the API and the command line: each time
// they are run, every version of them stays, and a text that can't be read is not kept.
func checkKeptSamples(t *testing.T, p *process) {
	id := madePipeline(t, p, "kept")
	path := own + "pipelines/" + id + "/samples"
	type samples struct {
		Text    string
		Version int64
	}
	var kept struct {
		Samples samples
		Tests   []struct{ Passed bool }
	}
	put := func(text string, version int64) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"text": text, "version": version})
		p.call("PUT", path, body, &kept)
	}
	put(fmt.Sprintf(gatekeeperSamples, "ann"), 0)
	if len(kept.Tests) != 1 || !kept.Tests[0].Passed || kept.Samples.Version != 1 {
		t.Errorf("kept: %+v", kept)
	}
	put(fmt.Sprintf(gatekeeperSamples, "bob"), 1)
	if kept.Tests[0].Passed || kept.Samples.Version != 2 {
		t.Errorf("kept again: %+v", kept)
	}
	if status, text, _ := p.request("PUT", path, []byte(`{"text":"samples: 7","version":2}`)); status != 400 || !strings.Contains(string(text), "1:10") {
		t.Errorf("a text that can't be read: %d %s", status, text)
	}
	if status, text, _ := p.request("PUT", path, []byte(`{"text":"","version":1}`)); status != 409 {
		t.Errorf("another version: %d %s", status, text)
	}
	var versions struct{ Data []samples }
	p.call("GET", path+"/versions", nil, &versions)
	if len(versions.Data) != 2 || versions.Data[0].Version != 2 || versions.Data[1].Text != fmt.Sprintf(gatekeeperSamples, "ann") {
		t.Errorf("versions: %+v", versions)
	}
	out, said, code := p.run("pipelines", "samples", "kept", "--test")
	if code != 1 || !strings.Contains(out, `bob`) {
		t.Errorf("run by command: exit %d, %s %s", code, out, said)
	}
	if out, said, code = p.run("pipelines", "samples", "kept", writeFile(t, fmt.Sprintf(gatekeeperSamples, "ann"))); code != exitOK || !strings.Contains(said, "version 3") {
		t.Errorf("kept by command: exit %d, %s %s", code, out, said)
	}
	if out, _, _ = p.run("pipelines", "samples", "kept"); out != fmt.Sprintf(gatekeeperSamples, "ann") {
		t.Errorf("shown by command: %s", out)
	}
	if out, _, _ = p.run("pipelines", "samples", "nginx"); !strings.Contains(out, "pipeline: nginx") {
		t.Errorf("those that ship: %s", out)
	}
}

// checkRestored deletes a pipeline, and brings it back with its samples: over the API, and by
// the command line.
func checkRestored(t *testing.T, p *process) {
	id := madePipeline(t, p, "gone")
	p.call("PUT", own+"pipelines/"+id+"/samples", fmt.Appendf(nil, `{"text":%q}`, fmt.Sprintf(gatekeeperSamples, "ann")), nil)
	deleted := func() (names []string) {
		var list struct {
			Data []struct {
				ID       string
				Pipeline struct{ Name string }
				At       string `json:"deleted_at"`
			}
		}
		p.call("GET", own+"deleted_pipelines", nil, &list)
		for _, d := range list.Data {
			if d.ID == id && d.At != "" {
				names = append(names, d.Pipeline.Name)
			}
		}
		return names
	}
	for _, restore := range []func(){
		func() { p.call("POST", own+"pipelines/"+id+"/restore", []byte(`{}`), nil) },
		func() {
			if out, _, code := p.run("pipelines", "deleted"); code != exitOK || !strings.Contains(out, id) {
				t.Errorf("deleted, by command: exit %d, %s", code, out)
			}
			if _, said, code := p.run("pipelines", "restore", "gone"); code != exitOK || !strings.Contains(said, "there again") {
				t.Errorf("restored, by command: exit %d, %s", code, said)
			}
		},
	} {
		p.call("DELETE", own+"pipelines/"+id, nil, nil)
		if got := deleted(); len(got) != 1 || got[0] != "gone" {
			t.Fatalf("deleted: %v", got)
		}
		restore()
		var state struct{ Text string }
		p.call("GET", own+"pipelines/"+id, nil, &state)
		if len(deleted()) != 0 || !strings.Contains(state.Text, "gatekeeper") {
			t.Errorf("restored: %v, %s", deleted(), state.Text)
		}
		var samples struct{ Text string }
		p.call("GET", own+"pipelines/"+id+"/samples", nil, &samples)
		if !strings.Contains(samples.Text, "ann") {
			t.Errorf("its samples: %+v", samples)
		}
	}
	if status, text, _ := p.request("GET", own+"audit?limit=200", nil); status != 200 || !strings.Contains(string(text), "RestorePipeline") {
		t.Errorf("the audit log does not say that it was restored: %d %s", status, text)
	}
}

// checkBoundOfFiles gives a file of nothing but mistakes: it is read up to a bound, and says so.
func checkBoundOfFiles(t *testing.T, p *process) {
	body, _ := json.Marshal(map[string]string{"text": "address,place\n" + strings.Repeat("10.0.0.1\n", 200_000)})
	var checked struct {
		Mistakes, Rows int64
		Partial        bool
		Through        int64 `json:"read_through"`
		Problems       []place
	}
	p.call("POST", own+"reference_tables/check", body, &checked)
	if checked.Mistakes != 10_000 || !checked.Partial || checked.Through != 10_001 || len(checked.Problems) != 100 {
		t.Errorf("mistakes %d, partial %t, up to line %d, %d shown", checked.Mistakes, checked.Partial, checked.Through, len(checked.Problems))
	}
}
