package clienttest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadog"
	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

// engine is a running `nightjar up`, and Datadog's client pointed at it.
type engine struct {
	*datadog.APIClient
	ctx context.Context
}

// unstable are the operations that the client wants to be asked for.
var unstable = []string{
	"v2.GetRuleVersionHistory", "v2.RestoreSecurityMonitoringRule",
	"v2.RunHistoricalJob", "v2.GetHistoricalJob", "v2.ListHistoricalJobs", "v2.CancelHistoricalJob", "v2.DeleteHistoricalJob",
	"v2.GetSecurityMonitoringHistsignal", "v2.GetSecurityMonitoringHistsignalsByJobId", "v2.SearchSecurityMonitoringHistsignals",
}

// start runs the binary that NIGHTJAR_BINARY names, or bin/nightjar.
func start(t *testing.T) engine {
	t.Helper()
	binary := os.Getenv("NIGHTJAR_BINARY")
	if binary == "" {
		binary = filepath.Join("..", "bin", "nightjar")
	}
	const key = "the-key-of-the-client-test-has-32-characters"
	cmd := exec.Command(binary, "up", "--data-dir", filepath.Join(t.TempDir(), "data"), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "NIGHTJAR_API_KEY="+key)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: build it first with `make build`", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		_ = cmd.Wait()
	})
	address := make(chan string, 1)
	var said strings.Builder // until it says where it listens
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`REST +http://(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
				break
			}
		}
		close(address)
		_, _ = io.Copy(io.Discard, stderr) // it must not wait for a reader
	}()
	var host string
	select {
	case host = <-address:
	case <-time.After(2 * time.Minute):
	}
	if host == "" {
		t.Fatalf("the engine did not say where it listens:\n%s", said.String())
	}
	config := datadog.NewConfiguration()
	for _, operation := range unstable {
		config.SetUnstableOperationEnabled(operation, true)
	}
	ctx := context.WithValue(context.Background(), datadog.ContextAPIKeys, map[string]datadog.APIKey{"apiKeyAuth": {Key: key}, "appKeyAuth": {Key: key}})
	ctx = context.WithValue(ctx, datadog.ContextServerIndex, 1)
	ctx = context.WithValue(ctx, datadog.ContextServerVariables, map[string]string{"name": host, "protocol": "http"})
	e := engine{datadog.NewAPIClient(config), ctx}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + host + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return e
			}
		}
		if time.Now().After(end) {
			t.Fatal("the engine is not ready")
		}
	}
}

// from is a request as the client makes it of JSON.
func from[T any](t *testing.T, text string) (out T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	readable(t, reflect.ValueOf(out), "request")
	return out
}

// ok is an answer that must be a success, all of which the client can read.
func ok[T any](t *testing.T) func(T, *http.Response, error) T {
	t.Helper()
	return func(v T, resp *http.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v: %s", err, body(err))
		}
		readable(t, reflect.ValueOf(v), "answer")
		return v
	}
}

// done is ok for an answer without a body.
func done(t *testing.T) func(*http.Response, error) {
	t.Helper()
	return func(_ *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v: %s", err, body(err))
		}
	}
}

// fails wants an error of a status.
func fails(t *testing.T, want int) func(any, *http.Response, error) {
	t.Helper()
	return func(_ any, resp *http.Response, err error) {
		t.Helper()
		if err == nil || resp == nil || resp.StatusCode != want {
			t.Errorf("got %v, want status %d", err, want)
		}
	}
}

func body(err error) string {
	if e, ok := err.(datadog.GenericOpenAPIError); ok {
		return string(e.Body())
	}
	return ""
}

// readable fails when the client could not read a part of what it got: it then
// keeps the raw JSON, and says nothing.
func readable(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for _, at := range unparsed(v, path) {
		t.Errorf("the client cannot read %s", at)
	}
}

// unparsed are the places of what the client could not read.
func unparsed(v reflect.Value, path string) (out []string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			out = unparsed(v.Elem(), path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, unparsed(v.Index(i), path+"[]")...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out = append(out, unparsed(v.MapIndex(key), path+"."+key.String())...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Type().Field(i); {
			case !f.IsExported() || f.Name == "AdditionalProperties":
			case f.Name == "UnparsedObject" && !v.Field(i).IsZero():
				out = append(out, path)
			case f.Name != "UnparsedObject":
				out = append(out, unparsed(v.Field(i), path+"."+f.Name)...)
			}
		}
	}
	return out
}

// What these tests look for is there to be found: a word that the client does not
// know makes it read nothing, without an error.
func TestUnreadableAnswersAreSeen(t *testing.T) {
	for _, rule := range []string{
		`{"type":"log_detection","options":{"detectionMethod":"content_anomaly"}}`, `{"type":"log_detection","options":{"keepAlive":777}}`, `{"name":"no type"}`,
	} {
		var list datadogV2.SecurityMonitoringListRulesResponse
		if err := json.Unmarshal([]byte(`{"data":[`+rule+`]}`), &list); err != nil {
			t.Fatal(err)
		}
		if len(unparsed(reflect.ValueOf(list), "list")) == 0 {
			t.Errorf("%s is read", rule)
		}
	}
}

func text(t *testing.T, r io.Reader) string {
	t.Helper()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("no %q in %s", part, text)
	}
}
