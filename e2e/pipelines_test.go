package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "nightjar/api/v1"
)

// appPipeline parses lines of an application of the test.
const appPipeline = `name: %s
filter: {query: "source:app"}
processors:
  - type: grok-parser
    source: message
    grok:
      match_rules: 'line user=%%{notSpace:usr.name} from %%{ip:network.client.ip} %%{data:%s}'
  - {type: status-remapper, sources: [what]}
`

// stored is the one event that a search finds.
func (p *process) stored(query string) (line map[string]any) {
	p.t.Helper()
	p.await("an event for "+query, func() bool {
		out, _, code := p.run("search", query, "--raw", "--output", "jsonl")
		return code == 0 && json.Unmarshal([]byte(strings.TrimSpace(out)), &line) == nil
	})
	return line
}

// TestPipelinesChangeWhatComesByEveryDoorAtRunTime has a pipeline from its file to
// events by three doors, changes it while events come, kills the engine, and finds it in
// force again.
func TestPipelinesChangeWhatComesByEveryDoorAtRunTime(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t)
	must := func(args ...string) string {
		t.Helper()
		out, errs, code := p.run(args...)
		if code != 0 {
			t.Fatalf("%q: exit %d: %s", args, code, errs)
		}
		return out
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "app.yaml")
	write := func(name, attribute string) {
		if err := os.WriteFile(file, fmt.Appendf(nil, appPipeline, name, attribute), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("our app", "what")
	must("pipelines", "create", file)
	line := func(n int) string { return fmt.Sprintf("user=u%d from 192.0.2.%d error", n, n) }
	want := func(n int, attribute string) map[string]any {
		t.Helper()
		e := p.stored(fmt.Sprintf("@usr.name:u%d", n))
		a, _ := e["attributes"].(map[string]any)
		if e["status"] != "error" && attribute == "what" || a[attribute] != "error" || e["message"] != line(n) {
			t.Errorf("event %d: %v", n, e)
		}
		return e
	}
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"`+line(1)+`"}]`), nil)
	want(1, "what")
	p.call(http.MethodPost, "/api/nightjar/v1/logs", []byte(`{"logs":[{"ddsource":"app","message":"`+line(2)+`"}]}`), nil)
	want(2, "what")
	lines := filepath.Join(dir, "app.log")
	if err := os.WriteFile(lines, []byte(line(3)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("ingest", "--source", "app", lines)
	if e := want(3, "what"); e["raw"] != nil {
		t.Errorf("a line that is the message is kept twice: %v", e)
	}

	write("our app", "changed")
	must("pipelines", "apply", file)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"`+line(4)+`","extra":7}]`), nil)
	e := want(4, "changed")
	if raw := fmt.Sprint(e["raw"]); raw != `{"ddsource":"app","message":"`+line(4)+`","extra":7}` {
		t.Errorf("the event as it came is %s", raw)
	}
	if got := fmt.Sprint(e["attributes"].(map[string]any)["nightjar"]); !strings.HasSuffix(got, "@2]]") {
		t.Errorf("it was read by %s, want version 2", got)
	}
	preview := must("pipelines", "preview", "--event", e["id"].(string))
	for _, part := range []string{"+ changed = \"error\"", "+ @network.client.ip: \"192.0.2.4\"", "our app"} {
		if !strings.Contains(preview, part) {
			t.Errorf("the preview lacks %s:\n%s", part, preview)
		}
	}

	p.kill()
	p.start()
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"`+line(5)+`"}]`), nil)
	want(5, "changed")
	if out := must("pipelines", "history", "our app"); !strings.Contains(out, "processors") || strings.Count(out, "\n") != 3 {
		t.Errorf("history:\n%s", out)
	}
	must("pipelines", "restore", "our app", "--version", "1")
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"`+line(6)+`"}]`), nil)
	want(6, "what")
	must("pipelines", "disable", "our app")
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"`+line(7)+`"}]`), nil)
	if e := p.stored(`"u7"`); fmt.Sprint(e["attributes"]) != "map[]" {
		t.Errorf("a pipeline that is disabled changed %v", e)
	}
	if out := must("pipelines", "list", "our app", "--output", "csv"); !strings.Contains(out, "our app") || !strings.Contains(out, ",2,0,") {
		t.Errorf("the list has not counted two events since the start:\n%s", out)
	}
	must("pipelines", "delete", "our app")

	// One that is named like a pipeline that ships is another all the same.
	own := filepath.Join(dir, "nginx.yaml")
	if err := os.WriteFile(own, []byte("name: NGINX\nfilter: {query: 'source:ours'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("pipelines", "apply", own)
	if out := must("pipelines", "list", "source:ours", "--output", "csv"); strings.Count(out, "\n") != 2 {
		t.Errorf("a file named like what ships became:\n%s", out)
	}
	if _, _, code := p.run("pipelines", "get", "our app"); code != 1 {
		t.Errorf("it is still there: exit %d", code)
	}
}

// TestFilesAreReadAsTheEngineReadsThem: what search finds in a file through pipelines is
// what it would find of the same lines in the engine.
func TestFilesAreReadAsTheEngineReadsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.yaml"), fmt.Appendf(nil, appPipeline, "our app", "what"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := writeFile(t, "user=alice from 192.0.2.7 error\nuser=bob from 192.0.2.8 fine\n")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (stdout, stderr string, code int) {
		cmd := exec.Command(path, args...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
	out, errs, code := command("search", "status:error @usr.name:alice", "--events", lines, "--source", "app", "--pipelines", dir)
	if code != 0 || out != "user=alice from 192.0.2.7 error\n" {
		t.Errorf("exit %d: %q %s", code, out, errs)
	}
	if out, _, _ := command("search", "@usr.name:alice", "--events", lines, "--source", "app"); out != "" {
		t.Errorf("the built-in pipelines find %q", out)
	}
}

// TestPipelinesAreKeptOverGRPC makes, previews and deletes one.
func TestPipelinesAreKeptOverGRPC(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "dd-api-key", p.key)
	pipelines := pb.NewPipelineServiceClient(conn)
	processors, err := structpb.NewList([]any{map[string]any{"type": "attribute-remapper", "is_enabled": true, "sources": []any{"who"}, "target": "usr.id"}})
	if err != nil {
		t.Fatal(err)
	}
	mine := &pb.Pipeline{Name: new("mine"), IsEnabled: new(true), Filter: &pb.PipelineFilter{Query: "source:app"}, Processors: processors}
	made, err := pipelines.CreatePipeline(ctx, &pb.CreatePipelineRequest{Pipeline: mine})
	if err != nil || made.GetId() == "" || made.GetProcessors().GetValues()[0].GetStructValue().GetFields()["target"].GetStringValue() != "usr.id" {
		t.Fatalf("made %v, %v", made, err)
	}
	event, err := structpb.NewValue(map[string]any{"ddsource": "app", "who": "alice"})
	if err != nil {
		t.Fatal(err)
	}
	preview, err := pipelines.PreviewPipelines(ctx, &pb.PreviewPipelinesRequest{Event: event})
	if err != nil {
		t.Fatal(err)
	}
	usr := preview.GetAfter().GetAttributes().GetAttributes().GetFields()["usr"].GetStructValue().GetFields()["id"].GetStringValue()
	if usr != "alice" || preview.GetTrace().GetStructValue() == nil || preview.GetRaw() == "" {
		t.Errorf("preview %v", preview)
	}
	versions, err := pipelines.ListPipelineVersions(ctx, &pb.GetPipelineRequest{PipelineId: made.GetId()})
	if err != nil || len(versions.GetData()) != 1 {
		t.Errorf("versions %v, %v", versions, err)
	}
	if _, err := pipelines.CheckPipeline(ctx, &pb.CheckPipelineRequest{Pipeline: &pb.Pipeline{Name: new("x"), Filter: &pb.PipelineFilter{Query: "a:("}}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a broken filter: %v", err)
	}
	if _, err := pipelines.DeletePipeline(ctx, &pb.DeletePipelineRequest{PipelineId: made.GetId()}); err != nil {
		t.Error(err)
	}
	if _, err := pipelines.GetPipelineState(ctx, &pb.GetPipelineRequest{PipelineId: made.GetId()}); status.Code(err) != codes.NotFound {
		t.Errorf("it is still there: %v", err)
	}
}
